import { SourceUnavailableError } from '../../errors.ts'
import type { Secret } from './secret.ts'

/**
 * Resolves to the secret, for files that are loaded with a fetch. What a function gives is checked where it is used. Not
 * in secret.ts, which a definition needs: what both need would be a chunk of its own that every hit loads.
 */
export async function openSecret(secret: Secret): Promise<string> {
  if (typeof secret !== 'function') return secret
  try {
    return await secret()
  } catch (error) {
    // A function that is typed like a source's error, as those of the adapters are, says what is wrong by itself.
    if (error instanceof Error && /^Source\w+Error$/.test(error.name)) throw error
    // What it threw could quote the secret. Nobody was asked.
    throw new SourceUnavailableError('the function that gives the secret has thrown', {
      code: 'SECRET_FAILED',
      nothingDone: true,
    })
  }
}
