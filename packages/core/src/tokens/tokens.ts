import type { Codec, Runtime, Source, Store, TokenValue } from '../contracts.ts'
import { createEngine } from '../engine/engine.ts'
import type { Policy } from '../engine/policy.ts'
import type { Listener } from '../events.ts'
import {
  checkOptions,
  countRule,
  durationRule,
  flagRule,
  isFunction,
  misuse,
  shaped,
  textRule,
} from '../lib/options.ts'
import { matches } from '../lib/parse.ts'
import { createBus } from '../observe/bus.ts'
import type { Reporter } from '../observe/report/types.ts'
import { bindSource } from './handle.ts'
import type { TokenFamily, TokenHandle, Tokens, UseOptions } from './types.ts'

/** How {@link createTokens} is set up. Everything has a default. Durations are in ms. */
export interface TokensOptions extends Partial<Policy> {
  /** The tier that the whole fleet shares. Default: a store in this process, which serves development only. */
  readonly store?: Store
  /** The folder of the file tier, or `false` for none. Default `/tmp/warmtoken`. */
  readonly directory?: string | false
  /** How values are stored in file and store. Default: as plain text, like `plaintext()`, with one event `plaintext` that says so. */
  readonly codec?: Codec
  /** Separates keys that would otherwise be the same, for example by stage. Default: none. */
  readonly namespace?: string
  /** How many tokens memory keeps. Default 10,000. */
  readonly maxEntries?: number
  /**
   * True where the process is never frozen (containers, managed instances): a token that is still usable is refreshed
   * in the background of the caller, always. Default false: only inside a handler that settles, otherwise one caller waits for it.
   */
  readonly background?: boolean
  /** Receives every event: one listener or several. What they throw is ignored. */
  readonly onEvent?: Listener | readonly Listener[]
  /** Counts the events for `report()`: what `createReport()` of `@warmtoken/core/report` returns. Default: none. */
  readonly report?: Reporter
  /** Clocks, random numbers and timers; for tests. Default: the system's. */
  readonly runtime?: Runtime
}

const RULES = {
  store: shaped('read', 'swap'),
  directory: ['an absolute path, or false', (value: unknown) => value === false || matches(value, /^\//)] as const,
  codec: shaped('seal', 'open'),
  namespace: textRule,
  maxEntries: countRule,
  background: flagRule,
  onEvent: ['a function, or several', (value: unknown) => [value].flat().every(isFunction)] as const,
  report: shaped('join', 'read'),
  runtime: shaped('wall', 'monotonic', 'random', 'unique', 'after'),
  refreshWindow: durationRule,
  sourceTimeout: durationRule,
  storeTimeout: durationRule,
  timeout: durationRule,
}

const [, hasMethods] = shaped('identity', 'fetch')

/** Makes the toolkit. Throws `TypeError` that names the option when one is wrong or unknown. */
export function createTokens(options: TokensOptions = {}): Tokens {
  const given = checkOptions('createTokens', options, RULES)
  const { store, namespace = '', onEvent = [], report } = given
  const listeners = [onEvent].flat()
  const bus = createBus(listeners)
  report?.join(bus, listeners)
  const engine = createEngine({
    directory: '/tmp/warmtoken',
    maxEntries: 10_000,
    ...given,
    ...bus,
    place: store?.place,
    policy: given,
    openStore: async () => (await import('./open-store.ts')).openStore(store, bus),
  })
  if (given.background) engine.enter()

  function use(source: Source<TokenValue>, options?: UseOptions): TokenHandle
  function use<P>(source: Source<TokenValue, P>, options?: UseOptions): TokenFamily<P>
  function use<P>(source: Source<TokenValue, P>, options: UseOptions = {}): TokenHandle | TokenFamily<P> {
    if (!hasMethods(source) || !matches(source.kind, /^[a-z0-9-]{1,24}$/))
      misuse('use', 'give { kind, identity, fetch }, kind 1 to 24 of a-z 0-9 -')
    const { name } = checkOptions('use', options, { name: textRule })
    const bind = bindSource({ engine, tokens, namespace, names: bus.names }, source, name)
    return source.parameters === true ? { tokens, for: bind } : bind(undefined as P)
  }

  const tokens: Tokens = {
    use,
    prewarm: async (handles, options) => (await import('./prewarm.ts')).prewarm(engine, handles, options),
    report: () => (report ?? misuse('report', 'pass "report" to createTokens')).read(),
    enter: engine.enter,
    get busy() {
      return engine.isBusy()
    },
    settle: engine.settle,
  }
  return tokens
}
