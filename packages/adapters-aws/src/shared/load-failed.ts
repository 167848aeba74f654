/**
 * Rejects with what to do about a module that could not be loaded, such as a package of the SDK that is not installed. The
 * text is loaded only then.
 */
export async function loadFailed(error: unknown): Promise<never> {
  throw (await import('./sdk-missing.ts')).explain(error)
}
