import { asFields } from '../../lib/parse.ts'

/**
 * Throws an error with the name that users gave the token: as `tokenName`, and in the message before the key. The callers of one
 * flight share one error, and a key has one name, so the error is changed once.
 */
export function throwNamed(error: unknown, name: string | undefined): never {
  const { key, tokenName } = asFields(error) ?? {}
  if (name !== undefined && error instanceof Error && typeof key === 'string' && tokenName === undefined) {
    const label = `"${name}" (${key})`
    const { message, stack } = error
    error.message = message.replace(key, () => label)
    // V8 has put the message into the stack already.
    if (stack?.includes(message)) error.stack = stack.replace(message, () => error.message)
    Object.assign(error, { tokenName: name })
  }
  throw error
}
