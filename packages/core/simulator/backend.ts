import type { Image, ReadOptions, Seen, ServerTime, Store, StoreFault, Swap, Swapped } from '../src/contracts.ts'
import type { Process } from './process.ts'
import { START } from './process.ts'
import type { Random } from './random.ts'
import type { Schedule } from './schedule.ts'

/** What may go wrong between a process and the backend: probabilities of each request. */
export interface NetworkFaults {
  /** Never arrives. */
  readonly lostRequest: number
  /** Is applied, and the answer never arrives. */
  readonly lostReply: number
  /** Arrives after the caller has given up. */
  readonly late: number
  /** Arrives twice. */
  readonly duplicate: number
  /** Takes seconds instead of milliseconds. */
  readonly slow: number
  /** Is turned away: too many. */
  readonly throttled: number
  /** A read that need not be consistent sees an older image. */
  readonly stale: number
}

/** A backend without faults. */
export const NO_FAULTS: NetworkFaults = {
  lostRequest: 0,
  lostReply: 0,
  late: 0,
  duplicate: 0,
  slow: 0,
  throttled: 0,
  stale: 0,
}

/** A network in which each fault happens with about this probability, and half of all reads may be old. */
export function noisy(level: number): NetworkFaults {
  const often = { lostRequest: level, lostReply: level, late: level, duplicate: level }
  return { ...often, slow: level / 2, throttled: level / 5, stale: 0.5 }
}

/** A swap that was applied, as the backend knows it. */
export interface Applied {
  readonly key: string
  readonly before: Image | undefined
  readonly after: Image
  /** Who asked for it. */
  readonly process: Process
}

/** How a backend is made. */
export interface BackendOptions {
  readonly schedule: Schedule
  readonly random: Random
  /** Whether its clock is told in whole seconds, as by an HTTP header. */
  readonly wholeSeconds: boolean
  /** The latency of one way, in ms: from, to. */
  readonly latency: readonly [number, number]
  /** The faults now. */
  readonly faults: () => NetworkFaults
  /** Whether nothing answers now. */
  readonly isDown: () => boolean
  /** True: it reads many keys by one request. Default false. */
  readonly readsMany?: boolean
  /** Told before a swap is sent. */
  readonly onSend: (swap: Swap, process: Process) => void
  /** Told of every swap that was applied. */
  readonly onApply: (applied: Applied) => void
  /** Told of every fault that was really met, by name. */
  readonly onFault: (name: string) => void
  /** Told of what the backend has cleaned up. */
  readonly onCleanUp?: (key: string) => void
}

/**
 * How a store reads many keys by one request. `together`: all at one instant, as by a script. `apart`: some of them later,
 * since a batch is no snapshot.
 */
export type ReadMany = 'together' | 'apart'

/** An image, and until when the backend has to keep it: on its own clock. */
export interface KeptImage extends Image {
  readonly keepUntil: number
}

/** A simulated store, whole: its records, its clock, its network. */
export interface Backend {
  /** The store as one process sees it. Without `readMany` it can only read key by key. */
  storeFor(process: Process, readMany?: ReadMany): Store
  /** What is there now. */
  image(key: string): KeptImage | undefined
  /** Lets the backend clean up what it need not keep any longer. */
  cleanUp(): void
  /** Keys of all images that begin with a text. */
  keys(prefix: string): readonly [string, ...string[]] | undefined
  /** Loses what is there, whatever was promised, or damages it when a body is given. */
  spoil(key: string, body?: string): void
  /** Requests received so far. */
  reads(): number
  /** The most reads within a second. */
  readsPerSecond(): number
  writes(): number
}

/** A request on its way through the network. */
interface Request<T> {
  readonly isWrite: boolean
  /** Runs when the request arrives. */
  perform(): T
  /** Runs a little later, where not all is done at one instant. */
  performRest?(value: T): void
  /** Takes the answer, should it arrive. */
  answer(value: T): void
  /** Tells that the backend was throttled. */
  refuse(): void
}

/** Makes a backend. */
export function createBackend(options: BackendOptions): Backend {
  const { schedule, random, wholeSeconds, faults, onFault } = options
  const images = new Map<string, KeptImage & { readonly previous: Image | undefined }>()
  let reads = 0
  /** When each read came, and the first of them within the last second. */
  const times: number[] = []
  let oldest = 0
  let mostRecent = 0
  let writes = 0

  const time = (): ServerTime => {
    const now = START + schedule.now()
    return wholeSeconds ? { at: Math.floor(now / 1_000) * 1_000, precision: 1_000 } : { at: now, precision: 0 }
  }

  const countRead = (): void => {
    reads += 1
    times.push(schedule.now())
    while ((times[oldest] ?? 0) <= schedule.now() - 1_000) oldest += 1
    mostRecent = Math.max(mostRecent, times.length - oldest)
  }

  const lookAt = (key: string): Seen => ({ image: images.get(key), time: time() })

  const apply = (key: string, swap: Swap, process: Process): Swapped => {
    const current = images.get(key)
    if (current?.tag === swap.tag) {
      onFault('own tag recognized')
      return { outcome: 'swapped', image: current, time: time() }
    }
    if (current?.tag !== swap.expected?.tag) return { outcome: 'conflict', seen: lookAt(key) }
    const image = { body: swap.body, tag: swap.tag, keepUntil: swap.keepUntil, previous: current }
    images.set(key, image)
    options.onApply({ key, before: current, after: image, process })
    return { outcome: 'swapped', image, time: time() }
  }

  const exchange = createExchange(options, (isWrite) => {
    if (isWrite) writes += 1
    else countRead()
  })

  const staleView = (key: string, { consistent }: ReadOptions): Seen => {
    const current = images.get(key)
    if (consistent || current === undefined || !random.chance(faults().stale)) return lookAt(key)
    onFault('stale read')
    return { image: current.previous, time: time() }
  }

  const throttle = (): StoreFault =>
    Object.assign(new Error('too many requests'), { code: 'STORE_UNAVAILABLE', retryable: true })

  const readAll = (
    process: Process,
    keys: readonly string[],
    { how, ...readOptions }: ReadOptions & { readonly how: ReadMany },
  ): Promise<ReadonlyMap<string, Seen>> =>
    new Promise((resolve, reject) => {
      const later = how === 'together' ? [] : keys.filter(() => random.chance(0.5))
      const see = (found: Map<string, Seen>, key: string) => found.set(key, staleView(key, readOptions))
      exchange<Map<string, Seen>>(process, {
        isWrite: false,
        perform: () => keys.reduce(see, new Map()),
        ...(later.length > 0 && { performRest: (found) => void later.reduce(see, found) }),
        answer: resolve,
        refuse: () => reject(throttle()),
      })
    })

  return {
    storeFor: (process, how) => ({
      name: 'simulated',
      ...(how && { readMany: (keys, readOptions) => readAll(process, keys, { ...readOptions, how }) }),
      read: (key, readOptions) =>
        new Promise((resolve, reject) =>
          exchange(process, {
            isWrite: false,
            perform: () => staleView(key, readOptions),
            answer: resolve,
            refuse: () => reject(throttle()),
          }),
        ),
      ...(options.readsMany === true && {
        readMany: (keys: readonly string[], readOptions: ReadOptions) =>
          new Promise<ReadonlyMap<string, Seen>>((resolve, reject) =>
            exchange(process, {
              isWrite: false,
              perform: () => new Map(keys.map((key) => [key, staleView(key, readOptions)])),
              answer: resolve,
              refuse: () => reject(throttle()),
            }),
          ),
      }),
      swap: (key, swap) =>
        new Promise((resolve, reject) => {
          options.onSend(swap, process)
          exchange(process, {
            isWrite: true,
            perform: () => apply(key, swap, process),
            answer: resolve,
            refuse: () => reject(throttle()),
          })
        }),
    }),
    image: (key) => images.get(key),
    cleanUp() {
      for (const [key, { keepUntil }] of images) {
        if (START + schedule.now() <= keepUntil) continue
        images.delete(key)
        onFault('clean-up')
        options.onCleanUp?.(key)
      }
    },
    keys(prefix) {
      const [first, ...more] = [...images.keys()].filter((key) => key.startsWith(prefix))
      return first === undefined ? undefined : [first, ...more]
    },
    spoil(key, body) {
      const image = images.get(key)
      if (image === undefined) return
      if (body === undefined) images.delete(key)
      else images.set(key, { ...image, body })
    },
    reads: () => reads,
    readsPerSecond: () => mostRecent,
    writes: () => writes,
  }
}

/** The network: one request and its answer, with what may happen to either. `count` is called for each that arrives. */
function createExchange(
  { schedule, random, latency, faults, isDown, onFault }: BackendOptions,
  count: (isWrite: boolean) => void,
): <T>(process: Process, request: Request<T>) => void {
  const way = (): number => random.between(...latency)
  return <T>(process: Process, { isWrite, perform, performRest, answer, refuse }: Request<T>): void => {
    const fault = faults()
    if (isDown() || random.chance(fault.lostRequest)) {
      onFault('lost request')
      return
    }
    if (random.chance(fault.throttled)) {
      onFault('throttled')
      schedule.after(2 * way(), () => process.deliver(refuse))
      return
    }
    const slow = random.chance(fault.slow) ? random.between(300, 3_000) : 0
    const late = isWrite && random.chance(fault.late) ? random.between(900, 20_000) : 0
    const reply = random.chance(fault.lostReply) ? undefined : way()
    if (slow > 0) onFault('slow')
    if (late > 0) onFault('late write')
    if (reply === undefined) onFault('lost reply')
    const arrive = (delay: number): void => {
      schedule.after(delay, () => {
        count(isWrite)
        const value = perform()
        const send = (): void => {
          performRest?.(value)
          if (reply !== undefined) schedule.after(reply, () => process.deliver(() => answer(value)))
        }
        if (performRest === undefined) send()
        else schedule.after(way(), send)
      })
    }
    arrive(way() + slow + late)
    if (!random.chance(fault.duplicate)) return
    onFault('duplicate')
    arrive(way() + random.between(0, 5_000))
  }
}
