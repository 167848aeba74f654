import type { Secret } from './secret.ts'

/**
 * Resolves to the secret, for files that are loaded with a fetch. What a function gives is checked where it is used. Not
 * in secret.ts, which a definition needs: what both need would be a chunk of its own that every hit loads.
 */
export const openSecret = async (secret: Secret): Promise<string> => (typeof secret === 'function' ? secret() : secret)
