import type { Issued, Source, TokenValue } from '../contracts.ts'
import { SourceUnavailableError } from '../errors.ts'
import { checkOptions, durationRule, flagRule, misuse, shaped, urlRule } from '../lib/options.ts'
import { asFields, asText, type Fields, parseJson } from '../lib/parse.ts'
import { ask, checkStatus } from '../sources/shared/answer.ts'
import type { Token } from '../tokens/token.ts'
import type { TokenHandle, Tokens } from '../tokens/types.ts'

/** Keys in a set that are looked at. */
const MAX_KEYS = 100
/**
 * Lifetime of the set that is fetched for a key which the usual one does not have, in ms. Values are refreshed in their
 * last quarter at the latest, half of it earlier by jitter: the fleet fetches it at most once in 30 s.
 */
const RECENT_LIFETIME = 50_000
/** Names of private parameters (RFC 7518 §6): a set that holds them is not kept with them. */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** How {@link jwks} is set up. Durations are in ms. */
export interface JwksOptions {
  /** The issuer; its metadata names the set. */
  readonly issuer?: string
  /** The address of the set, where the issuer has no metadata. */
  readonly jwksUri?: string
  /** How long a set is used. So long after its removal a key is still accepted. Default 600,000 (10 minutes). */
  readonly lifetime?: number
  /** Allows plain http, for tests. Default false. */
  readonly allowInsecure?: boolean
}

/** A public key of an issuer. */
export interface PublicKey extends Fields {
  readonly kty: string
  readonly kid?: string
}

const [, isToolkit] = shaped('use')
const RULES = { issuer: urlRule, jwksUri: urlRule, lifetime: durationRule, allowInsecure: flagRule }

/** An issuer's keys, kept warm. */
export interface WarmKeys {
  /** The set as memory has it, while it is fresh. */
  peek(): KeySet | undefined
  /** Resolves to the set. Rejects with a `WarmTokenError` when the issuer gives none. */
  get(): Promise<KeySet>
  /** Resolves to a set of the last minute, for a key that the usual set does not have: one fetch for the fleet in 30 s. */
  getRecent(): Promise<KeySet>
}

/** The public keys of an issuer. */
export interface KeySet {
  readonly keys: readonly PublicKey[]
  /** How long it may be used, in ms from now. */
  readonly remaining: () => number
}

/**
 * Keeps an issuer's public keys warm: values like any other, so that the fleet fetches them once in their lifetime. Throws
 * `TypeError` that names a wrong option.
 *
 * @example
 * ```ts
 * const keys = jwks(createTokens({ store }), { issuer: 'https://login.example.com' })
 * ```
 */
export function jwks(tokens: Pick<Tokens, 'use'>, options: JwksOptions): WarmKeys {
  if (!isToolkit(tokens)) misuse('jwks', 'give what createTokens returned first')
  const given = checkOptions('jwks', options, RULES)
  const { issuer, jwksUri, lifetime = 600_000, allowInsecure = false } = given
  if ((issuer === undefined) === (jwksUri === undefined)) misuse('jwks', 'give "issuer" or "jwksUri", one of them')
  for (const url of [issuer, jwksUri])
    if (url !== undefined && !isAllowed(url, allowInsecure))
      misuse('jwks', `option "${url === issuer ? 'issuer' : 'jwksUri'}" must be https`)

  const source = (kind: string, life: number): Source<TokenValue> => ({
    kind,
    identity: () => [issuer ?? null, jwksUri ?? null],
    async fetch({ signal }): Promise<Issued<TokenValue>> {
      const uri = jwksUri ?? (await discover(issuer ?? '', allowInsecure, signal))
      const keys = await fetchJson(uri, signal)
      return { value: { value: print(keysIn(keys)), type: 'JWKS' }, lifetime: life }
    },
  })
  const current = readKeys(tokens.use(source('jwks', lifetime)))
  const recent = readKeys(tokens.use(source('jwks-recent', RECENT_LIFETIME)))
  return { peek: current.peek, get: current.get, getRecent: recent.get }
}

/** Reads sets out of tokens, each set once. */
function readKeys(handle: TokenHandle): Pick<WarmKeys, 'peek' | 'get'> {
  let last: { readonly token: Token; readonly set: KeySet } | undefined
  const read = (token: Token): KeySet => {
    if (last?.token.version !== token.version)
      last = { token, set: { keys: keysIn(parseJson(token.value)), remaining: token.remaining } }
    return last.set
  }
  return {
    peek() {
      const token = handle.peek()
      return token && read(token)
    },
    get: async () => read(await handle.get()),
  }
}

async function discover(issuer: string, allowInsecure: boolean, signal: AbortSignal): Promise<string> {
  const metadata = asFields(await fetchJson(`${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`, signal))
  const uri = asText(metadata?.['jwks_uri'], 2_048)
  if (metadata?.['issuer'] !== issuer) throw bad('the metadata is not that of this issuer')
  if (uri === undefined || !isAllowed(uri, allowInsecure)) throw bad('the metadata has no "jwks_uri" with https')
  return uri
}

async function fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
  const answer = await ask(url, { signal, headers: { accept: 'application/json' } })
  checkStatus(answer)
  return parseJson(answer.text)
}

function isAllowed(url: string, allowInsecure: boolean): boolean {
  const protocol = URL.parse(url)?.protocol
  return protocol === 'https:' || (protocol === 'http:' && allowInsecure)
}

/** The public keys of a set, without private parameters. A symmetric key is not public and never counts. */
function keysIn(set: unknown): readonly PublicKey[] {
  const list = asFields(set)?.['keys']
  if (!Array.isArray(list)) throw bad('the answer is not a set of keys')
  return list.slice(0, MAX_KEYS).flatMap((one) => {
    const fields = asFields(one)
    const kty = asText(fields?.['kty'], 20)
    if (fields === undefined || kty === undefined || kty === 'oct') return []
    return [{ ...Object.fromEntries(Object.entries(fields).filter(([name]) => !PRIVATE.includes(name))), kty }]
  })
}

/** As text of printable ASCII, which is what a token may be. */
function print(keys: readonly PublicKey[]): string {
  const text = JSON.stringify({ keys })
  return text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function bad(message: string): SourceUnavailableError {
  return new SourceUnavailableError(message, { code: 'BAD_ANSWER' })
}
