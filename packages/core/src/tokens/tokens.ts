import type { Codec, Listener, Runtime, Source, Store, TokenValue } from '../contracts.ts'
import { createEngine } from '../engine/engine.ts'
import { DEFAULT_POLICY, type Policy } from '../engine/policy.ts'
import { systemRuntime } from '../engine/runtime.ts'
import { createBus } from '../observe/bus.ts'
import { checkOptions } from '../options.ts'
import * as a from '../rules.ts'
import { plaintext } from '../seal/plaintext.ts'
import { createHandle, type TokenHandle } from './handle.ts'
import { createHandler, type Handler, type HandlerOptions, type WrappedHandler } from './handler.ts'
import type { Token } from './token.ts'

/** How {@link createTokens} is set up. Everything has a default. Lengths are in ms. */
export interface TokensOptions extends Partial<Policy> {
  /** The tier that the whole fleet shares. Default: a store in this process, which serves development only. */
  readonly store?: Store
  /** The folder of the file tier, or `false` for none. Default `/tmp/warmtoken`. */
  readonly directory?: string | false
  /** How values rest in file and store. Default {@link plaintext}, with one event `plaintext` that says so. */
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

const SOURCE_KIND = /^[a-z0-9-]{1,24}$/

/** Makes the toolkit. Throws `TypeError` that names the option when one is wrong or unknown. */
export const createTokens = (options: TokensOptions = {}): Tokens => {
  checkOptions('createTokens', options, RULES)
  const { store = ownStore(), directory = '/tmp/warmtoken', namespace = '', maxEntries = 10_000 } = options
  const bus = createBus(options.onEvent)
  const policy: Policy = {
    refreshWindow: options.refreshWindow ?? DEFAULT_POLICY.refreshWindow,
    sourceTimeout: options.sourceTimeout ?? DEFAULT_POLICY.sourceTimeout,
    storeTimeout: options.storeTimeout ?? DEFAULT_POLICY.storeTimeout,
    timeout: options.timeout ?? DEFAULT_POLICY.timeout,
  }
  const engine = createEngine({
    store,
    codec: options.codec ?? announced(plaintext(), bus.emit),
    directory: directory === false ? undefined : directory,
    runtime: options.runtime ?? systemRuntime,
    policy,
    maxEntries,
    emit: bus.emit,
    listening: bus.listening,
  })
  if (options.background === true) engine.enter()

  function use(source: Source<TokenValue>): TokenHandle
  function use<P>(source: Source<TokenValue, P>): TokenFamily<P>
  function use<P>(source: Source<TokenValue, P>): TokenHandle | TokenFamily<P> {
    if (
      !a.shaped('', 'identity', 'fetch')[1](source) ||
      typeof source.kind !== 'string' ||
      !SOURCE_KIND.test(source.kind)
    ) {
      throw new TypeError(
        'use: the argument must be a source: { kind, identity, fetch }, kind of a-z, 0-9 and -, at most 24',
      )
    }
    const bind = (params: P): TokenHandle =>
      createHandle({ engine, tokens, source, params, namespace, timeout: policy.timeout })
    if (source.parameters !== true) return bind(undefined as P)
    return { for: bind }
  }

  const tokens: Tokens = {
    use,
    async prewarm(handles, wanted = {}) {
      const names = Object.keys(handles)
      const results = await Promise.allSettled(names.map((name) => handles[name]?.get(wanted)))
      const found = results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason))
      return Object.fromEntries(names.map((name, index) => [name, found[index]])) as never
    },
    handler: (handles, handler, handlerOptions) => createHandler(handles, handler, handlerOptions),
    enter: engine.enter,
    settle: (wanted = {}) => engine.settle(wanted.timeout ?? 1_000),
  }
  return tokens
}

/** A store in this process, loaded when it is first asked: production has one of its own. */
const ownStore = (): Store => {
  let loaded: Promise<Store> | undefined
  const load = (): Promise<Store> => {
    loaded ??= import('../stores/memory.ts').then(({ memoryStore }) => memoryStore())
    return loaded
  }
  return {
    name: 'memory',
    read: async (...ask) => (await load()).read(...ask),
    swap: async (...ask) => (await load()).swap(...ask),
  }
}

/** Says once, at the first write, that values rest unsealed. */
const announced = (codec: Codec, emit: Listener): Codec => {
  let said = false
  return {
    ...codec,
    seal(text, key) {
      if (!said) emit({ type: 'plaintext' })
      said = true
      return codec.seal(text, key)
    },
  }
}
