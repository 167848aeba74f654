import type { Json, Source, TokenValue } from '../contracts.ts'
import type { Engine } from '../engine/engine.ts'
import type { Slot, Subject } from '../engine/subject.ts'
import { fingerprint } from '../hash.ts'
import { makeKey } from '../key.ts'
import { checkOptions } from '../options.ts'
import { asFields, asToken, asTokenType } from '../parse.ts'
import * as a from '../rules.ts'
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
   * request sent once more. A body that can be read only once is not sent again: `NotReplayableError`.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
}

const GET_RULES = {
  minLife: a.lengthOrNone,
  timeout: a.length,
}

const parseTokenValue = (json: Json): TokenValue | undefined => {
  const fields = asFields(json)
  const value = asToken(fields?.['value'])
  const type = asTokenType(fields?.['type'])
  const extra = asFields(fields?.['extra'])
  if (value === undefined || type === undefined) return undefined
  return { value, type, ...(extra && { extra: extra as NonNullable<TokenValue['extra']> }) }
}

/** What a handle is made of. */
interface HandleParts<P> {
  readonly engine: Engine
  readonly tokens: Tokens
  readonly source: Source<TokenValue, P>
  readonly params: P
  readonly namespace: string
  readonly timeout: number
}

/** Binds a source and its parameters to an engine. Throws `TypeError` when a parameter is missing. */
export const createHandle = <P>({
  engine,
  tokens,
  source,
  params,
  namespace,
  timeout,
}: HandleParts<P>): TokenHandle => {
  const subject: Subject<TokenValue> = {
    key: makeKey(source.kind, namespace, source.identity(params)),
    traits: source.traits,
    fetch: (request) => source.fetch({ ...request, params }),
    print: (value) => ({ ...value }),
    parse: parseTokenValue,
    fingerprint: ({ value }) => fingerprint(value),
    secretFingerprint: source.secretFingerprint?.bind(source),
  }
  const slot = engine.slot(subject)

  const resolve = async (options: GetOptions = {}, rejected?: string): Promise<Token> => {
    const wanted = { minLife: 0, timeout, ...checkOptions('get', options, GET_RULES), rejected }
    if (rejected !== undefined) await engine.reject(slot, rejected)
    const before = slot.entry
    const entry = await engine.get(slot, wanted)
    const remaining = engine.lifeOf(slot, entry)
    const tier = before === entry ? 'memory' : slot.entry === entry ? slot.tier : 'source'
    return new Token({ entry, tier, remaining, short: remaining() < wanted.minLife })
  }

  const handle: TokenHandle = {
    key: subject.key,
    tokens,
    peek: (minLife = 0) => (engine.isHit(slot, minLife) ? viewOf(slot, engine).token : undefined),
    get(options) {
      // The warm path: the same promise every time, so nothing is made.
      if (options === undefined && engine.isHit(slot, 0)) return viewOf(slot, engine).promise
      return resolve(options)
    },
    async reject(token, options) {
      if (!(token instanceof Token))
        throw new TypeError('reject: the first argument must be the Token that was refused')
      return resolve(options, token.fingerprint)
    },
    async fetch(input, init) {
      // Most handlers send their requests themselves; and whoever sends one waits for the network anyway.
      const { fetchWith } = await import('./authorized-fetch.ts')
      return fetchWith(handle, input, init)
    },
  }
  return handle
}

interface View {
  readonly token: Token
  readonly promise: Promise<Token>
}

/** What a memory hit hands out, made once for each entry. */
const viewOf = (slot: Slot<TokenValue>, engine: Engine): View => {
  if (slot.view !== undefined) return slot.view as View
  const { entry } = slot
  if (entry === undefined) throw new TypeError('a fresh slot has an entry')
  const token = new Token({ entry, tier: 'memory', remaining: engine.lifeOf(slot, entry) })
  const view = { token, promise: Promise.resolve(token) }
  slot.view = view
  return view
}
