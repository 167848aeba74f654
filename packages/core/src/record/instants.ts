import type { Entry } from '../contracts.ts'
import { asText, asTime, type Fields } from '../lib/parse.ts'

/** The longest name, mark or fingerprint that is accepted, in characters. */
export const MAX_NAME = 200

type Times<Name extends string> = { readonly [name in Name]: number }

/** The instants and marks that an entry has in every tier, and more instants by their names; all of them or none. */
export function parseLife<More extends string = never>(
  fields: Fields,
  ...more: readonly More[]
): (Omit<Entry<unknown>, 'value'> & Times<More>) | undefined {
  const names = ['version', 'issuedAt', 'softExpiry', 'hardExpiry', ...more] as const
  const fingerprint = asText(fields['fingerprint'], MAX_NAME)
  const lifetime: { [name: string]: unknown } = { fingerprint }
  for (const name of names) {
    const time = asTime(fields[name])
    if (time === undefined) return undefined
    lifetime[name] = time
  }
  // Every name is there and holds an instant.
  const times = lifetime as Times<(typeof names)[number]>
  return fingerprint === undefined || times.softExpiry > times.hardExpiry ? undefined : { ...times, fingerprint }
}
