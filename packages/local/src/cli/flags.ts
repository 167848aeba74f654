import { UsageError } from './usage-error.ts'

/** Values of the flags, as node:util's parseArgs returns them. */
export type FlagValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>

/** Value of a flag given at most once, or undefined. */
export function textFlag(values: FlagValues, name: string): string | undefined {
  const value = values[name]
  if (value === '') throw new UsageError(`--${name} must not be empty`)
  return typeof value === 'string' ? value : undefined
}

/** Values of a flag that may be repeated. */
export function listFlag(values: FlagValues, name: string): readonly string[] {
  const value = values[name]
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

/** Value of a flag that is a whole number within a range, or undefined. */
export function numberFlag(
  values: FlagValues,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  const text = textFlag(values, name)
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`--${name} must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`)
  }
  return value
}

/** Value of a flag that is a TCP port, or undefined; 0 takes a free one. */
export function portFlag(values: FlagValues, name = 'port'): number | undefined {
  return numberFlag(values, name, { min: 0, max: 65_535 })
}

/** The same object without the members that are undefined, which exact optional options do not take. */
export function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> }
}
