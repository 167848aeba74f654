/**
 * Your own source: any function that gives a token.
 *
 * @module
 */

import type { FetchRequest, Issued, Json, Source, TokenValue, Traits } from '../contracts.ts'
import { SourceUnavailableError } from '../errors.ts'
import { checkOptions, countRule, durationOrZeroRule, functionRule, objectRule, type Rule } from '../lib/options.ts'
import { asFields, isToken, isTokenType, matches } from '../lib/parse.ts'

/** What a custom function gives: a token and its life. */
export interface CustomToken {
  /** The token itself, 1 to 65,536 printable ASCII characters. */
  readonly value: string
  /** How long it lives from now, in ms. */
  readonly lifetime: number
  /** How it is presented. Default `Bearer`. */
  readonly type?: string
  /** What must travel with it. Not secret. */
  readonly extra?: { readonly [name: string]: Json }
}

/** How {@link custom} is set up. */
export interface CustomOptions<P> {
  /** The readable start of the key: a-z, 0-9 and `-`, at most 24. Default `custom`. */
  readonly kind?: string
  /** Everything that makes this token differ from others, as JSON: issuer, client, tenant, scopes. */
  readonly identity: Json | ((params: P) => Json)
  /**
   * Resolves to a new token. Must pass `signal` on. Throws `SourceRefusedError` when asking again is useless, and
   * `SourceUnavailableError` (with `retryAfter`) or anything else when it is not.
   */
  readonly fetch: (request: FetchRequest<P>) => Promise<CustomToken>
  /** How the issuer behaves. */
  readonly traits?: Traits
  /** Resolves to a fingerprint of the secret in use, so that a new secret ends the cool-down of a refused one. */
  readonly secretFingerprint?: () => string | Promise<string>
}

const RULES = {
  kind: ['1 to 24 of a-z 0-9 -', (value: unknown) => matches(value, /^[a-z0-9-]{1,24}$/)] as const,
  identity: ['JSON, or a function that returns it', (value: unknown) => value !== undefined] as const,
  fetch: functionRule,
  traits: objectRule,
  secretFingerprint: functionRule,
}

const TRAITS: { readonly [Name in keyof Traits]-?: Rule } = {
  reuseWindow: durationOrZeroRule,
  overlap: durationOrZeroRule,
  settleTime: durationOrZeroRule,
  mintBudget: countRule,
  attach: functionRule,
  isRejection: functionRule,
}

/** Checks what the function gave; the error never shows it. */
function check(given: unknown): Issued<TokenValue> {
  const fields = asFields(given)
  const { value, type = 'Bearer', lifetime } = fields ?? {}
  if (!isToken(value))
    throw new SourceUnavailableError('the custom source gave no "value" of 1 to 65,536 printable ASCII characters', {
      code: 'BAD_TOKEN',
    })
  if (!isTokenType(type))
    throw new SourceUnavailableError('the custom source gave a "type" that is not a word', { code: 'BAD_TOKEN' })
  if (typeof lifetime !== 'number')
    throw new SourceUnavailableError('the custom source gave a "life" that is not a number of ms', { code: 'BAD_LIFE' })
  const extra = asFields(fields?.['extra']) as CustomToken['extra']
  return { value: { value, type, ...(extra && { extra }) }, lifetime }
}

/** Makes a source of a function without parameters. Throws `TypeError` for wrong options. */
export function custom(options: CustomOptions<undefined> & { readonly identity: Json }): Source<TokenValue>
/** Makes a source of a function with parameters: `identity` tells tokens apart by them. */
export function custom<P>(options: CustomOptions<P> & { readonly identity: (params: P) => Json }): Source<TokenValue, P>
export function custom<P>(options: CustomOptions<P>): Source<TokenValue, P> {
  checkOptions('custom', options, RULES, ['identity', 'fetch'])
  checkOptions('custom: traits', options.traits ?? {}, TRAITS)
  const { kind = 'custom', identity, fetch, traits, secretFingerprint } = options
  return {
    kind,
    parameters: typeof identity === 'function',
    identity: (params) => (typeof identity === 'function' ? identity(params) : identity),
    fetch: async (request) => check(await fetch(request)),
    ...(traits && { traits }),
    ...(secretFingerprint && { secretFingerprint }),
  }
}
