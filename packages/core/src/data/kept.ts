/** What `keep`, `unchanged` and `skip` hand to a loader, and mistakes in calling them. @module */

/** What was given, by the object that stands for it. */
const handed = new WeakMap<object, unknown>()
/** Errors of this library about how a loader called it. Their messages hold no secrets, and callers see them. */
const mistakes = new WeakSet<object>()

/** An object that stands for something: a loader returns it, and can look into nothing. */
export function hand(what: unknown): object {
  const token = Object.freeze({})
  handed.set(token, what)
  return token
}

/** What a value stands for, if it stands for something. */
export function takeHanded(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? handed.get(value) : undefined
}

/** Calls a check, and marks what it throws as a mistake of the loader. */
export function asMistake<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (error instanceof TypeError) mistakes.add(error)
    throw error
  }
}

/** Whether an error is a mistake of the loader that this library has found. */
export function isMistake(error: unknown): boolean {
  return error instanceof TypeError && mistakes.has(error)
}
