import type { Codec, Listener, Runtime, Source, Store, TokenValue } from '../contracts.ts'
import { createEngine } from '../engine/engine.ts'
import { DEFAULT_POLICY, type Policy } from '../engine/policy.ts'
import { systemRuntime } from '../engine/runtime.ts'
import { createBus } from '../observe/bus.ts'
import { checkOptions } from '../options.ts'
import * as a from '../rules.ts'
import { createHandle, type TokenHandle } from './handle.ts'
import { createHandler, type Handler, type HandlerOptions, type WrappedHandler } from './handler.ts'
import { mapAll } from './invocation.ts'
import type { Token } from './token.ts'

/** How {@link createTokens} is set up. Everything has a default. Lengths are in ms. */
export interface TokensOptions extends Partial<Policy> {
  /** The tier that the whole fleet shares. Default: a store in this process, which serves development only. */
  readonly store?: Store
  /** The folder of the file tier, or `false` for none. Default `/tmp/warmtoken`. */
  readonly directory?: string | false
  /** How values rest in file and store. Default: as they are, like `plaintext()`, with one event `plaintext` that says so. */
  readonly codec?: Codec
  /** Sets keys apart that would else be the same, such as a stage. Default: none. */
  readonly namespace?: string
  /** How many tokens memory keeps. Default 10,000. */
  readonly maxEntries?: number
  /**
   * True where the process is never frozen (containers, managed instances): a token that is still usable is refreshed
   * beside the caller, always. Default false: only inside a handler that settles, otherwise one caller waits for it.
   */
  readonly background?: boolean
  /** Receives every event. What it throws is ignored. */
  readonly onEvent?: Listener
  /** Clocks, random numbers and timers; for tests. Default: the system's. */
  readonly runtime?: Runtime
}

/** Tokens by name, as a handler wants them. */
export type Handles = { readonly [name: string]: TokenHandle }

/** The toolkit of one environment. Make it once, outside the handler. */
export interface Tokens {
  /** Binds a source. Throws `TypeError` when it is not one. */
  use(source: Source<TokenValue>): TokenHandle
  /** Binds a source that has parameters: `.for({ tenant })` gives the handle of one token. */
  use<P>(source: Source<TokenValue, P>): TokenFamily<P>
  /**
   * Makes sure of tokens before anybody asks: on a schedule, or awaited at the top level of a module (there it is part
   * of the init phase and billed). Never rejects; resolves to a token or an error for each.
   */
  prewarm<H extends Handles>(
    handles: H,
    options?: { readonly timeout?: number; readonly minLife?: number },
  ): Promise<{ readonly [Name in keyof H]: Token | Error }>
  /** Wraps a Lambda handler without Middy: the tokens are on the context, and refreshes are settled after. */
  handler<H extends Handles, Event, Result>(
    handles: H,
    handler: Handler<H, Event, Result>,
    options?: HandlerOptions,
  ): WrappedHandler<Event, Result>
  /** Refreshes run beside the caller until the returned function is called. Then `settle` before returning. */
  enter(): () => void
  /** Waits for refreshes under way, at most `timeout` ms (default 1,000), then aborts them. Never rejects. */
  settle(options?: { readonly timeout?: number }): Promise<void>
}

/** Tokens of one source that differ by parameters. */
export interface TokenFamily<P> {
  /** The handle of one token. Throws `TypeError` when a parameter is missing. */
  for(params: P): TokenHandle
}

const RULES = {
  store: a.shaped('a store', 'read', 'swap'),
  directory: [
    'an absolute path, or false',
    (value: unknown) => value === false || (typeof value === 'string' && value.startsWith('/')),
  ] as const,
  codec: a.shaped('a codec', 'seal', 'open'),
  namespace: a.text,
  maxEntries: a.count,
  background: a.flag,
  onEvent: a.callback,
  runtime: a.shaped('a runtime', 'wall', 'monotonic', 'random', 'unique', 'after'),
  refreshWindow: a.length,
  sourceTimeout: a.length,
  storeTimeout: a.length,
  timeout: a.length,
}

const DEFAULTS = {
  ...DEFAULT_POLICY,
  directory: '/tmp/warmtoken',
  namespace: '',
  maxEntries: 10_000,
  runtime: systemRuntime,
} satisfies TokensOptions

const [, hasMethods] = a.shaped('', 'identity', 'fetch')

/** Makes the toolkit. Throws `TypeError` that names the option when one is wrong or unknown. */
export const createTokens = (options: TokensOptions = {}): Tokens => {
  const settings = { ...DEFAULTS, ...checkOptions('createTokens', options, RULES) }
  const { store, namespace, timeout } = settings
  const engine = createEngine({
    codec: undefined,
    ...settings,
    ...createBus(settings.onEvent),
    policy: settings,
    openStore: () => store ?? import('../stores/memory.ts').then(({ memoryStore }) => memoryStore()),
  })
  if (settings.background === true) engine.enter()

  function use(source: Source<TokenValue>): TokenHandle
  function use<P>(source: Source<TokenValue, P>): TokenFamily<P>
  function use<P>(source: Source<TokenValue, P>): TokenHandle | TokenFamily<P> {
    if (!hasMethods(source) || typeof source.kind !== 'string' || !/^[a-z0-9-]{1,24}$/.test(source.kind))
      throw new TypeError('use: a source must be { kind, identity, fetch }, its kind 1 to 24 of a-z, 0-9 and -')
    const bind = (params: P): TokenHandle => createHandle({ engine, tokens, source, params, namespace, timeout })
    if (source.parameters !== true) return bind(undefined as P)
    return { for: bind }
  }

  const tokens: Tokens = {
    use,
    prewarm: (handles, wanted) =>
      mapAll(handles, async (handle) => {
        try {
          return await handle.get(wanted)
        } catch (error) {
          return error as Error
        }
      }),
    handler: createHandler,
    enter: engine.enter,
    settle: (wanted = {}) => engine.settle(wanted.timeout ?? 1_000),
  }
  return tokens
}
