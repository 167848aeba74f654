import { createTokens, type TokenFamily, type TokenHandle, type Tokens, type TokensOptions } from '@warmtoken/core'
import { memoryStore } from '@warmtoken/core/memory'
import type { FakeClock } from './fake-clock.ts'
import { type FakeSource, type FakeSourceOptions, fakeSource } from './fake-source.ts'

/** How a fake token is set up: its value alone, or more. */
export type FakeTokenOptions = string | (Omit<FakeSourceOptions, 'clock'> & { readonly clock?: FakeClock })

/** A token handle over a {@link FakeSource}: everything but the issuer is real. */
export interface FakeToken extends TokenHandle {
  /** Counts the fetches, and says how the next ones end. */
  readonly source: FakeSource
}

/** Handles that differ by parameters, over one {@link FakeSource}. */
export interface FakeFamily<P> extends TokenFamily<P> {
  /** Counts the fetches of all of them, and says how the next ones end. */
  readonly source: FakeSource<P>
}

/** What {@link testTokens} takes: the options of `createTokens`, and a clock in place of `runtime`. */
export interface TestTokensOptions extends Omit<TokensOptions, 'runtime'> {
  /** The clock that tokens age by. Default: the system's, which fake timers of a test runner replace. */
  readonly clock?: FakeClock
}

/**
 * `createTokens` for a test: no file tier and a store of its own, so that no test sees the tokens of another. Bind your
 * real sources to it, or fake ones. Throws `TypeError` for wrong options.
 *
 * @example
 * ```ts
 * const tokens = testTokens({ clock: fakeClock() })
 * const crm = tokens.use(fakeSource())
 * ```
 */
export function testTokens({ clock, ...options }: TestTokensOptions = {}): Tokens {
  return createTokens({
    directory: false,
    store: clock === undefined ? memoryStore({ wall: () => Date.now() }) : memoryStore({ wall: clock.wall }),
    ...(clock !== undefined && { runtime: clock }),
    ...options,
  })
}

/**
 * Makes one token for a test. It fits wherever a handle does: `warmTokens`, `withTokens`, your own code. Each call makes
 * a token of its own, with memory and store of its own.
 *
 * @example
 * ```ts
 * const crm = fakeToken()
 * const handler = withTokens({ crm }, async (_event, { crm }) => crm.headers())
 * ```
 */
export function fakeToken(options: FakeTokenOptions = {}): FakeToken {
  const given = asOptions(options)
  return bind(testTokens(pickClock(given)), fakeSource(given))
}

/**
 * Makes several tokens for a test by the names your handler knows them by.
 *
 * @example
 * ```ts
 * const { crm, erp } = fakeTokens({ crm: 'crm-token', erp: { lifetime: 60_000 } })
 * ```
 */
export function fakeTokens<const Names extends { readonly [name: string]: FakeTokenOptions }>(
  wanted: Names,
): { readonly [Name in keyof Names]: FakeToken } {
  const made = Object.entries(wanted).map(([name, options]) => [name, fakeToken(options)] as const)
  return Object.fromEntries(made) as { [Name in keyof Names]: FakeToken }
}

/**
 * Makes tokens that differ by parameters, such as one for each user: `.for(params)` gives the handle of one.
 *
 * @example
 * ```ts
 * const users = fakeFamily<{ user: string }>()
 * const token = await users.for({ user: 'ada' }).get()
 * ```
 */
export function fakeFamily<P>(options: FakeTokenOptions = {}): FakeFamily<P> {
  const given = asOptions(options)
  const source = fakeSource<P>({ ...given, parameters: true })
  return { ...testTokens(pickClock(given)).use(source), source }
}

function bind(tokens: Tokens, source: FakeSource): FakeToken {
  return { ...tokens.use(source), source }
}

function asOptions(options: FakeTokenOptions): Exclude<FakeTokenOptions, string> {
  return typeof options === 'string' ? { value: options } : options
}

function pickClock({ clock }: { readonly clock?: FakeClock }): TestTokensOptions {
  return clock === undefined ? {} : { clock }
}
