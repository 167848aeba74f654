import type { FetchRequest, Json, Source, TokenValue } from '../contracts.ts'
import type { Served } from '../engine/context.ts'
import type { Engine } from '../engine/engine.ts'
import type { Subject } from '../engine/slot.ts'
import { fingerprint } from '../lib/hash.ts'
import { makeKey } from '../lib/key.ts'
import { checkOptions, durationOrZeroRule, durationRule, misuse } from '../lib/options.ts'
import { asFields, isToken, isTokenType, MAX_DEPTH } from '../lib/parse.ts'
import { Token } from './token.ts'
import type { GetOptions, TokenHandle, Tokens } from './types.ts'

const GET_RULES = {
  minLifetime: durationOrZeroRule,
  timeout: durationRule,
}

/** Freezes JSON with all in it, for every caller is handed the same. False when it is nested too deeply. */
function freeze(json: unknown, depth = MAX_DEPTH): boolean {
  return (
    Object(json) !== json ||
    (depth > 0 && Object.values(Object.freeze(json) as object).every((one) => freeze(one, depth - 1)))
  )
}

function parseTokenValue(json: Json): TokenValue | undefined {
  const fields = asFields(json)
  const { value, type, extra = {} } = fields ?? {}
  const isValid = isToken(value) && isTokenType(type) && asFields(extra) && freeze(extra)
  // What was read of JSON takes the least memory as it is.
  return isValid ? (fields as TokenValue | undefined) : undefined
}

/** What a memory hit returns, made once for each entry. */
interface View {
  readonly token: Token
  readonly promise: Promise<Token>
}

function viewOf(served: Served<TokenValue>): View {
  const token = new Token(served, 0)
  return { token, promise: Promise.resolve(token) }
}

/** Of how many tokens the names are known to events: a family may have any number. */
const MAX_NAMES = 10_000

/** What all handles of a toolkit share. */
export interface Home {
  readonly engine: Engine
  readonly tokens: Tokens
  readonly namespace: string
  /** What users call their tokens, by key. */
  readonly names: Map<string, string>
}

/** Binds a source to an engine; its parameters make a handle. That throws `TypeError` when one is missing. */
export function bindSource<P>(
  { engine, tokens, namespace, names }: Home,
  source: Source<TokenValue, P>,
  name: string | undefined,
): (params: P) => TokenHandle {
  // One for all its handles: what is kept for a key holds nothing of the handle that it was first asked by.
  const subject: Subject<TokenValue> = {
    source,
    // Each caller asks by a handle of this source, which gives its own parameters.
    fetch: async (request) =>
      (await import('./check-issued.ts')).fetchChecked(source, request as FetchRequest<P>, parseTokenValue),
    parse: parseTokenValue,
    fingerprint: ({ value }) => fingerprint(value),
  }
  return (params) => {
    const key = makeKey(source.kind, namespace, source.identity(params))
    if (name && names.size < MAX_NAMES) names.set(key, name)
    const slot = engine.slot(key, subject)

    const hit = (minLifetime: number): View | undefined => engine.hit(slot, minLifetime, viewOf)

    const ask = ({ minLifetime = 0, timeout }: GetOptions = {}, rejected?: string): Promise<Token> =>
      engine.get(slot, { params, minLifetime, timeout, rejected }, (served) => new Token(served, minLifetime))

    const resolve = async (options: GetOptions = {}, refused?: Token): Promise<Token> => {
      const wanted = checkOptions('get', options, GET_RULES)
      return ask(wanted, refused && (await engine.reject(slot, refused)))
    }

    const handle: TokenHandle = {
      key,
      tokens,
      peek: (minLifetime = 0) => hit(minLifetime)?.token,
      // The warm path: the same promise every time, so nothing is made.
      get: (options) => (options === undefined ? (hit(0)?.promise ?? ask()) : resolve(options)),
      async reject(token, options) {
        if (!(token instanceof Token)) misuse('reject', 'give the refused Token')
        return resolve(options, token)
      },
      fetch: async (input, init) =>
        (await import('./fetch/authorized-fetch.ts')).fetchWith({ handle, source }, input, init),
      catchUp: async (change) => (await engine.reach()).catchUp(slot, change),
    }
    return handle
  }
}
