/** Rejects with what is to be done about a module that could not be loaded. The words are read when they are needed. */
export async function loadFailed(error: unknown): Promise<never> {
  throw (await import('./sdk-missing.ts')).explain(error)
}
