import type { FetchRequest, Issued, Json, Runtime, Source, TokenValue, Traits } from '@warmtoken/core'
import { SourceRefusedError, SourceUnavailableError } from '@warmtoken/core/errors'

/**
 * One answer of a {@link FakeSource}: a value, or a failure in the form that real sources have. `delay` (ms) passes
 * first, on the clock of the source.
 */
export type FakeAnswer =
  /** This token. */
  | string
  /** A token; `value` counts on and `lifetime` (ms) is the source's where they are left out. */
  | { readonly value?: string; readonly lifetime?: number; readonly delay?: number }
  /** The issuer refuses for good: a `SourceRefusedError` with this code. */
  | { readonly refuse: string; readonly delay?: number }
  /** The issuer asks for patience for so many ms: a `SourceUnavailableError` with `retryAfter`. */
  | { readonly throttle: number; readonly delay?: number }
  /** The issuer cannot be reached: a `SourceUnavailableError` with this code. */
  | { readonly unavailable: string; readonly delay?: number }
  /** The source throws this. */
  | { readonly error: unknown; readonly delay?: number }

/** One fetch that a {@link FakeSource} was asked for. */
export interface FakeFetch<P = undefined> {
  /** The parameters of the token. */
  readonly params: P
  /** When, in ms since 1970, on the clock of the source. */
  readonly at: number
  /** Whether it was to replace a token that an API refused. */
  readonly replaces: boolean
}

/** How {@link fakeSource} is set up. Durations are in ms. */
export interface FakeSourceOptions {
  /** The first token; later ones are `<value>-2`, `<value>-3` and so on. Default `fake-token`. */
  readonly value?: string
  /** How long each token lives. Default 3,600,000: one hour. */
  readonly lifetime?: number
  /** How it is presented. Default `Bearer`. */
  readonly type?: string
  /** What comes with each token, such as an instance URL. Default: nothing. */
  readonly extra?: { readonly [name: string]: Json }
  /** The first answers, one a fetch; after them every fetch gives a token. Default: none. */
  readonly answers?: readonly FakeAnswer[]
  /** How the issuer behaves. Default: as {@link Traits} says. */
  readonly traits?: Traits
  /** The clock that delays pass on. Default: the system's, which fake timers of a test runner replace. */
  readonly clock?: Pick<Runtime, 'wall' | 'after'>
}

/** A source that counts how often it is asked, and answers as you say. */
export interface FakeSource<P = undefined> extends Source<TokenValue, P> {
  /** Every fetch so far, oldest first. */
  readonly fetches: readonly FakeFetch<P>[]
  /** Says how the next fetches end, one answer each. After them every fetch gives a token again. */
  next(...answers: readonly FakeAnswer[]): void
}

const HOUR = 3_600_000

const SYSTEM: Pick<Runtime, 'wall' | 'after'> = {
  wall: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

let made = 0

/**
 * Makes a source that asks nobody. Bind it with `tokens.use`, or use `fakeToken`, which does.
 *
 * @example
 * ```ts
 * const source = fakeSource({ value: 'crm-token', lifetime: 60_000 })
 * source.next({ throttle: 5_000 }, { refuse: 'invalid_client' })
 * ```
 */
export function fakeSource<P = undefined>(
  options: FakeSourceOptions & { readonly parameters?: boolean } = {},
): FakeSource<P> {
  const { value = 'fake-token', lifetime = HOUR, type = 'Bearer', extra, answers = [], traits, parameters } = options
  const { clock = SYSTEM } = options
  const scripted: FakeAnswer[] = [...answers]
  const fetches: FakeFetch<P>[] = []
  made += 1
  const id = made
  let issued = 0

  const nextValue = (): string => {
    issued += 1
    return issued === 1 ? value : `${value}-${issued}`
  }

  return {
    kind: 'fake',
    // Two fakes are two tokens, even in one toolkit.
    identity: (params) => ({ id, params: (params ?? null) as Json }),
    ...(parameters === true && { parameters }),
    ...(traits !== undefined && { traits }),
    fetches,
    next: (...more) => void scripted.push(...more),
    async fetch({ params, rejected, signal }: FetchRequest<P>): Promise<Issued<TokenValue>> {
      fetches.push({ params, at: clock.wall(), replaces: rejected !== undefined })
      const scriptedNext = scripted.shift() ?? {}
      const answer = typeof scriptedNext === 'string' ? { value: scriptedNext } : scriptedNext
      if (answer.delay !== undefined) await wait(clock, answer.delay, signal)
      throwFailure(answer)
      const given = 'value' in answer ? answer.value : undefined
      return {
        value: { value: given ?? nextValue(), type, ...(extra !== undefined && { extra }) },
        lifetime: ('lifetime' in answer ? answer.lifetime : undefined) ?? lifetime,
      }
    },
  }
}

function throwFailure(answer: Exclude<FakeAnswer, string>): void {
  if ('refuse' in answer)
    throw new SourceRefusedError(`the fake source refused: ${answer.refuse}`, { code: answer.refuse })
  if ('throttle' in answer)
    throw new SourceUnavailableError('the fake source asked for patience', {
      throttled: true,
      retryAfter: answer.throttle,
    })
  if ('unavailable' in answer)
    throw new SourceUnavailableError('the fake source could not be reached', { code: answer.unavailable })
  if ('error' in answer) throw answer.error
}

function wait(clock: Pick<Runtime, 'after'>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      cancel()
      reject(signal.reason)
    }
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
    signal.addEventListener('abort', abort, { once: true })
  })
}
