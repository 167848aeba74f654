import type { FetchRequest, Issued, Json, Source, TokenValue } from '../contracts.ts'
import { SourceUnavailableError } from '../errors.ts'
import { asFields, isToken, isTokenType, matches } from '../lib/parse.ts'
import { shownCause } from '../lib/shown-cause.ts'
import { pause } from '../lib/timing.ts'

/** A token with less lifetime than this, in ms, ends before anyone can use it. */
const NEARLY_OVER = 1_200
/** Issuers give a lifetime in whole seconds, so the token may live this much longer, in ms. */
const WHOLE_SECOND = 1_000

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
 * Asks a source; resolves to a copy of what it gave that is the engine's own. Rejects with `SourceUnavailableError` that
 * names the field and shows nothing of it: in a header, a bad token would be shown by the error of `Headers.set`. Whether
 * the lifetime makes sense is left to the engine.
 */
export async function fetchChecked<P>(
  source: Source<TokenValue, P>,
  request: FetchRequest<P>,
  parse: Parse,
): Promise<Issued<TokenValue>> {
  const issued = check(await ask(source, request), parse)
  // An issuer that repeats its token until the end gives a new one a moment later.
  if (source.exclusive || !(issued.lifetime > 0 && issued.lifetime < NEARLY_OVER)) return issued
  await pause(issued.lifetime + WHOLE_SECOND, request.signal)
  return check(await ask(source, request), parse)
}

/** Reads a token from JSON. */
type Parse = (json: Json) => TokenValue | undefined

/** Names of errors that say on their own what is wrong; a source of an adapter throws errors of other classes. */
const TYPED = /^(Source(Refused|Unavailable)|SignInRequired)Error$/

async function ask<P>(source: Source<TokenValue, P>, request: FetchRequest<P>): Promise<unknown> {
  try {
    return await source.fetch(request)
  } catch (error) {
    if (error instanceof Error && TYPED.test(error.name)) throw error
    const cause = shownCause(error)
    throw new SourceUnavailableError(`the source threw ${cause.name}: ${cause.message}`, {
      code: 'SOURCE_FAILED',
      cause,
    })
  }
}

function check(given: unknown, parse: Parse): Issued<TokenValue> {
  const { value: token, lifetime, assumed, unusable } = asFields(given) ?? {}
  const { value, type, extra, chain } = asFields(token) ?? {}
  if (!isToken(value)) throw bad('value.value', 'of 1 to 65,536 printable ASCII characters')
  if (!isTokenType(type)) throw bad('value.type', 'that is a word')
  if (extra !== undefined && asFields(extra) === undefined) throw bad('value.extra', 'that is an object')
  if (chain !== undefined && copyOf(chain) === undefined) throw bad('value.chain', 'that is JSON')
  if (typeof lifetime !== 'number') throw bad('lifetime', 'that is a number of ms', 'BAD_LIFE')
  const copy = copyOf({ value, type, extra, chain })
  const parsed = copy === undefined ? undefined : parse(copy)
  if (parsed === undefined) throw bad('value.extra', 'that is JSON of no great depth')
  return {
    value: parsed,
    lifetime,
    ...(matches(assumed, /^\w{1,64}$/) && { assumed }),
    ...(unusable instanceof Error && { unusable }),
  }
}
