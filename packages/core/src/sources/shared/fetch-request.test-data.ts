import type { FetchRequest } from '../../contracts.ts'

/** What a source is handed for one fetch, as the engine would; `more` changes a part of it. */
export function fetchRequest<P>(params: P, more: Partial<FetchRequest<P>> = {}): FetchRequest<P> {
  return {
    params,
    previous: undefined,
    rejected: undefined,
    spends: undefined,
    signal: AbortSignal.timeout(5_000),
    nonce: crypto.randomUUID(),
    ...more,
  }
}
