import { InvalidArgumentError } from 'commander'

/** Reads a whole number within a range. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
    return value
  }
}

/** Reads a number within a range, with a fraction or without. */
export function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+(\.\d+)?$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`)
    return value
  }
}

/** Reads a text that is not empty. */
export function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.')
  return text
}

/** Reads the name of a cache, one more to those before. */
export function parseCache(text: string, before: readonly string[]): readonly string[] {
  if (!/^[a-z0-9-]{1,40}$/.test(text)) throw new InvalidArgumentError('It must be the "name" of createCache.')
  return [...before, text]
}

/** Reads the readable start of keys. */
export function parseKind(text: string): string {
  if (!/^[A-Za-z0-9._-]{1,200}$/.test(text))
    throw new InvalidArgumentError('It must be what stands before the first : or ~ of a key.')
  return text
}
