import type { Codec } from '../../src/contracts.ts'
import { createCache } from '../../src/data/cache.ts'
import type { CacheEvent } from '../../src/data/events.ts'
import type { Cache, Kept, LoadManyContext, Resource } from '../../src/data/types.ts'
import '../../src/engine/miss/miss-path.ts'
import { createProcess, type Process } from '../process.ts'
import { NAME } from './store-witness.ts'
import { isNone, lateTagsOf, type Params, padOf, plainOf, tagsOf, type Value } from './truth.ts'
import type { DataWorld } from './world.ts'

/** Parameters as a template has them. */
interface Given {
  readonly id: string | number
  readonly part: string | number
}

/** One environment: a process with a production cache in it. */
export interface Environment {
  readonly process: Process
  readonly cache: Cache
  readonly resource: Resource<Given, Value>
  /** Keys that never have a value, as many as one likes. */
  readonly nothing: Resource<{ readonly n: string | number }, Value>
  /** Plain keys that it has asked for or changed. */
  readonly known: Set<string>
}

/** Starts an environment in a world. */
export function startEnvironment(world: DataWorld, name: string): Environment {
  const { scenario, kind, random, schedule, backend, far } = world
  const skew = random.between(-scenario.skew, scenario.skew)
  const process = createProcess(name, schedule, random, { skew, monotonicStops: random.chance(0.5) })
  const cache = createCache({
    name: NAME,
    store: backend.storeFor(process, kind.readMany),
    ...(kind.size === 'far' && { bodies: far.storeFor(process) }),
    runtime: process.runtime,
    ...(kind.codecFaults > 0 && { codec: flakyCodec(world) }),
    recheck: kind.recheck,
    unchecked: kind.unchecked,
    onEvent: (event) => onEvent(world, process, event),
  })
  const loadMany = async (
    list: readonly Given[],
    { each }: LoadManyContext<unknown>,
  ): Promise<readonly (Kept<Value> | undefined)[]> => {
    if (list.length > 1) world.saw('many loaded')
    const loaded = await load(world, process, list.map(paramsOf))
    return loaded.map((one, index) => kept([one], each[index]?.keep))
  }
  const resource = cache.use({
    key: 'p:{id}:{part}',
    name: 'p',
    fresh: scenario.lifetime * random.pick([0.3, 1]),
    usable: scenario.lifetime,
    none: kind.none,
    tags: ({ id }) => tagsOf({ id: Number(id) }),
    load: async (given, { keep }) => kept(await load(world, process, [paramsOf(given)]), keep),
    ...(kind.loadsMany && { loadMany }),
  })
  const nothing = cache.use({ key: 'f:{n}', name: 'f', fresh: 1_000, load: (): Value | undefined => undefined })
  return { process, cache, resource, nothing, known: new Set() }
}

/** Seals nothing, so that the witness can read what is written, and fails now and then. */
function flakyCodec({ failsCodec, saw }: DataWorld): Codec {
  const pass = (name: string) => (text: string) => {
    if (!failsCodec()) return text
    saw(name)
    throw new Error('the codec fails')
  }
  return { name: 'flaky', seal: pass('seal failed'), open: pass('open failed') }
}

function paramsOf({ id, part }: Given): Params {
  return { id: Number(id), part: part === 'a' ? 'a' : 'b' }
}

interface Loaded {
  readonly value: Value | undefined
  readonly params: Params
}

function kept(
  [loaded]: readonly Loaded[],
  keep: ((value: Value, options: { readonly tags: readonly string[] }) => Kept<Value>) | undefined,
): Kept<Value> | undefined {
  return loaded?.value && keep?.(loaded.value, { tags: lateTagsOf(loaded.params) })
}

/** The loader: reads the truth when it begins, and answers a while later. */
async function load(world: DataWorld, process: Process, list: readonly Params[]): Promise<readonly Loaded[]> {
  const { random, counts, scenario, witness, isOut, isTroubled, tell } = world
  counts.loads += 1
  const loaded = list.map((params) => {
    const plain = plainOf(params)
    const value = valueNow(world, params)
    tell(() => `${process.name} loads ${plain}: ${value?.n ?? 'none'}`)
    witness.onLoad(process, plain)
    return { value, params }
  })
  await process.sleep(isTroubled() && random.chance(scenario.tooSlow) ? 5_000 : random.between(50, 450))
  if (isOut()) throw new Error('out')
  return loaded
}

/** The value that is true now; `undefined` where there is none. */
export function valueNow({ truth, kind }: DataWorld, params: Params): Value | undefined {
  const plain = plainOf(params)
  const n = truth.get(plain) ?? 0
  return isNone(n) ? undefined : { of: plain, n, updates: 0, ...padOf(params, kind.size) }
}

/** Counted as they are. */
const COUNTED: ReadonlySet<CacheEvent['type']> = new Set(['fenced', 'publish', 'shared', 'flood', 'body-unread'])

function onEvent({ witness, schedule, saw, tell }: DataWorld, process: Process, event: CacheEvent): void {
  tell(() => `${process.name} ${JSON.stringify(event)}`)
  const { type } = event
  if (COUNTED.has(type)) saw(type)
  else if (type === 'recheck') {
    witness.onRecheck(process, schedule.now() - event.took)
    if (event.dropped > 0) saw('recheck dropped')
  } else if (type === 'fetch' && event.alone) saw('alone')
  else if (type === 'hit' && event.stale) saw('stale served')
  else if (type === 'acquire') witness.onAcquire(process, event.key.split('~')[0] ?? '')
  else if (type === 'bad-generation') witness.violate('V3', 'a generation record is garbage')
  else if (type === 'generation-lost') witness.onLost(event.tag)
}
