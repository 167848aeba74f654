import { AssertionError } from 'node:assert/strict'
import type { FakeFetch, FakeSource } from './fake-source.ts'

/**
 * Throws an `AssertionError` unless the source was asked exactly `expected` times since it was made. Takes a fake token,
 * family or source.
 *
 * @example
 * ```ts
 * await Promise.all([handler(event, context), handler(event, context)])
 * expectFetches(crm, 1)
 * ```
 */
export function expectFetches<P>(fake: { readonly source: FakeSource<P> } | FakeSource<P>, expected: number): void {
  const { fetches } = 'source' in fake ? fake.source : fake
  if (fetches.length === expected) return
  const message = [
    `expected ${count(expected)}, saw ${count(fetches.length)}`,
    ...fetches.map(describe),
    ...(fetches.length < expected ? ['A token that is still warm is not fetched again; a new fake starts cold.'] : []),
  ].join('\n')
  throw new AssertionError({
    message,
    actual: fetches.length,
    expected,
    operator: 'expectFetches',
    stackStartFn: expectFetches,
  })
}

function count(fetches: number): string {
  return fetches === 1 ? '1 fetch' : `${fetches} fetches`
}

function describe({ at, params, replaces }: FakeFetch<unknown>, index: number): string {
  const of = params === undefined ? '' : ` of ${JSON.stringify(params)}`
  return `  ${index + 1}. at ${new Date(at).toISOString()}${of}${replaces ? ', because the API refused the token before' : ''}`
}
