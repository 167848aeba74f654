/**
 * Loads once, at the first call, and again after a failure. The SDK costs 50 to 80 ms of a cold start; an environment
 * whose memory or file has the token never loads it.
 */
export const lazily = <T>(load: () => Promise<T>): (() => Promise<T>) => {
  let loaded: Promise<T> | undefined
  return () => {
    if (loaded !== undefined) return loaded
    const mine = load()
    loaded = mine
    mine.catch(() => {
      loaded = undefined
    })
    return mine
  }
}

/** Throws `TypeError` for an option that is not known, or for a `required` one that is not a text. */
export const checkOptions = (of: string, options: object, required: string, known: readonly string[]): void => {
  const given = Object.entries(options ?? {})
  const unknown = given.find(([name]) => name !== required && !known.includes(name))?.[0]
  if (unknown !== undefined) {
    throw new TypeError(`${of}: unknown option "${unknown}"; known are ${[required, ...known].join(', ')}`)
  }
  const value = given.find(([name]) => name === required)?.[1]
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(`${of}: option "${required}" is required and must be the name of a ${required}`)
  }
}
