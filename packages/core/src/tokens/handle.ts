import type { Json, Source, TokenValue } from '../contracts.ts'
import type { Engine } from '../engine/engine.ts'
import { fingerprint } from '../hash.ts'
import { makeKey } from '../key.ts'
import { checkOptions } from '../options.ts'
import { asFields, asToken, asTokenType } from '../parse.ts'
import * as a from '../rules.ts'
import { late } from './later.ts'
import { Token } from './token.ts'
import type { Tokens } from './tokens.ts'

/** What one `get` asks for. */
export interface GetOptions {
  /** The life that the token should have left, in ms, so that it outlives the work. Default 0. */
  readonly minLife?: number
  /** Within how long to answer, in ms. Default: the `timeout` of `createTokens`. */
  readonly timeout?: number
}

/** One token, kept warm. */
export interface TokenHandle {
  /** The key under which it is kept; for logs. Holds no secret. */
  readonly key: string
  /** The toolkit that it belongs to. */
  readonly tokens: Tokens
  /**
   * Resolves to a usable token from the nearest tier, or from the source. Rejects with a `WarmTokenError`, or with
   * `TypeError` for wrong options.
   */
  get(options?: GetOptions): Promise<Token>
  /** The token in memory while it is fresh and has `minLife` ms left, else `undefined`. No I/O, no allocation. */
  peek(minLife?: number): Token | undefined
  /**
   * Says that the API refused this token, and resolves to a newer one. However many callers refuse the same token, it is
   * replaced once. Rejects like `get`, and with `SameValueError` when the issuer gives the same token again.
   */
  reject(token: Token, options?: GetOptions): Promise<Token>
  /**
   * Like the global `fetch`, with the token in the `authorization` header. After a 401 the token is rejected and the
   * request sent once more. A body that can be read only once is not sent again: `NotReplayableError`. A redirect to
   * another origin is followed without the token. The signal of the request ends the wait for the token too. Rejects with
   * `TypeError` when the URL holds credentials.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
}

const GET_RULES = {
  minLife: a.lengthOrNone,
  timeout: a.length,
}

/** How deep what came with a token may be nested. */
const MAX_DEPTH = 16

/** Freezes JSON with all in it, for every caller is handed the same. False when it is nested too deeply. */
const freeze = (json: unknown, depth = MAX_DEPTH): boolean =>
  Object(json) !== json ||
  (depth > 0 && Object.values(Object.freeze(json) as object).every((one) => freeze(one, depth - 1)))

const parseTokenValue = (json: Json): TokenValue | undefined => {
  const { value, type, extra, chain } = asFields(json) ?? {}
  if (asToken(value) === undefined || asTokenType(type) === undefined || !freeze(extra)) return undefined
  // Whatever else is in it was not put there by us.
  return { value, type, ...(asFields(extra) && { extra }), ...(chain !== undefined && { chain }) } as TokenValue
}

/** What a handle is made of. */
interface HandleParts<P> {
  readonly engine: Engine
  readonly tokens: Tokens
  readonly source: Source<TokenValue, P>
  readonly params: P
  readonly namespace: string
}

/** What a memory hit hands out, made once for each entry. */
interface View {
  readonly token: Token
  readonly promise: Promise<Token>
}

/** Binds a source and its parameters to an engine. Throws `TypeError` when a parameter is missing. */
export const createHandle = <P>({ engine, tokens, source, params, namespace }: HandleParts<P>): TokenHandle => {
  const { kind, traits, exclusive } = source
  const key = makeKey(kind, namespace, source.identity(params))
  const slot = engine.slot<TokenValue>({
    key,
    traits,
    exclusive,
    fetch: async (request) => (await late()).fetchChecked(source, { ...request, params }, parseTokenValue),
    print: (value) => ({ ...value }),
    parse: parseTokenValue,
    fingerprint: ({ value }) => fingerprint(value),
    secretFingerprint: source.secretFingerprint?.bind(source),
  })

  const hit = (minLife: number): View | undefined => {
    const { entry } = slot
    if (entry === undefined || !engine.isHit(slot, minLife)) return undefined
    if (slot.view === undefined) {
      const token = new Token(engine.serve(slot, entry), 0)
      slot.view = { token, promise: Promise.resolve(token) } satisfies View
    }
    return slot.view as View
  }

  const resolve = async (options: GetOptions = {}, rejected?: string): Promise<Token> => {
    const { minLife = 0, timeout } = checkOptions('get', options, GET_RULES)
    if (rejected !== undefined) await engine.reject(slot, rejected)
    return new Token(await engine.get(slot, { minLife, timeout, rejected }), minLife)
  }

  const handle: TokenHandle = {
    key,
    tokens,
    peek: (minLife = 0) => hit(minLife)?.token,
    // The warm path: the same promise every time, so nothing is made.
    get: (options) => (options === undefined && hit(0)?.promise) || resolve(options),
    async reject(token, options) {
      if (!(token instanceof Token)) throw new TypeError('reject: give the Token that was refused')
      return resolve(options, token.fingerprint)
    },
    fetch: async (input, init) => (await late()).fetchWith({ handle, traits }, input, init),
  }
  return handle
}
