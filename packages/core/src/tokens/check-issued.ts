import type { FetchRequest, Issued, Json, Source, TokenValue } from '../contracts.ts'
import { SourceUnavailableError } from '../errors.ts'
import { asFields, isToken, isTokenType, matches } from '../lib/parse.ts'

function bad(field: string, must: string, code = 'BAD_TOKEN'): SourceUnavailableError {
  return new SourceUnavailableError(`the source gave no "${field}" ${must}`, { code })
}

/** A copy as JSON, `undefined` when it is none. Whose text this is knows what it holds, so no error is passed on. */
function copyOf(value: unknown): Json | undefined {
  try {
    return JSON.parse(JSON.stringify(value)) as Json
  } catch {
    return undefined
  }
}

/**
 * Asks a source; resolves to a copy of what it gave that is the engine's own. `parse` reads a token from JSON. Rejects
 * with `SourceUnavailableError` that names the field and shows nothing of it: in a header, a bad token would be shown by
 * the error of `Headers.set`. Whether the life makes sense is left to the engine.
 */
export async function fetchChecked<P>(
  source: Source<TokenValue, P>,
  request: FetchRequest<P>,
  parse: (json: Json) => TokenValue | undefined,
): Promise<Issued<TokenValue>> {
  const { value: given, lifetime, assumed, unusable } = asFields(await source.fetch(request)) ?? {}
  const { value, type, extra, chain } = asFields(given) ?? {}
  if (!isToken(value)) throw bad('value.value', 'of 1 to 65,536 printable ASCII characters')
  if (!isTokenType(type)) throw bad('value.type', 'that is a word')
  if (extra !== undefined && asFields(extra) === undefined) throw bad('value.extra', 'that is an object')
  if (chain !== undefined && copyOf(chain) === undefined) throw bad('value.chain', 'that is JSON')
  if (typeof lifetime !== 'number') throw bad('lifetime', 'that is a number of ms', 'BAD_LIFE')
  const copy = copyOf({ value, type, extra, chain })
  const token = copy === undefined ? undefined : parse(copy)
  if (token === undefined) throw bad('value.extra', 'that is JSON of no great depth')
  return {
    value: token,
    lifetime,
    ...(matches(assumed, /^\w{1,64}$/) && { assumed }),
    ...(unusable instanceof Error && { unusable }),
  }
}
