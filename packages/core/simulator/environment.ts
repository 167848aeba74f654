import { createEngine, type Engine } from '../src/engine/engine.ts'
import { DEFAULT_POLICY } from '../src/engine/policy.ts'
import type { WarmEvent } from '../src/events.ts'
import '../src/engine/miss/miss-path.ts'
import type { Slot, Subject } from '../src/engine/slot.ts'
import { plaintext } from '../src/seal/plaintext.ts'
import type { SimulatedToken } from './issuer.ts'
import { createProcess, type Process } from './process.ts'
import { KEY, type World } from './world.ts'

/** One environment: a process with the production engine in it. */
export interface Environment {
  readonly process: Process
  readonly engine: Engine
  readonly slot: Slot<SimulatedToken>
}

/** Starts an environment in a world. */
export function startEnvironment(world: World, name: string): Environment {
  const { scenario, random, schedule, backend } = world
  const monotonicStops = random.chance(0.5)
  const skew = random.between(-scenario.skew, scenario.skew)
  const process = createProcess(name, schedule, random, { skew, monotonicStops })
  const engine = createEngine({
    openStore: () => backend.storeFor(process),
    codec: plaintext(),
    directory: false,
    runtime: process.runtime,
    policy: DEFAULT_POLICY,
    maxEntries: 100,
    emit: (event) => onEvent(world, event, process),
    listening: () => true,
  })
  return { process, engine, slot: engine.slot(KEY, subjectOf(world, process)) }
}

function subjectOf({ issuer, rotation }: World, process: Process): Subject<SimulatedToken> {
  return {
    source: {
      ...(rotation && { exclusive: rotation.exclusive }),
      secretFingerprint: () => rotation?.seed() ?? 's',
    },
    fetch: ({ nonce, signal, spends }) =>
      issuer.request({
        nonce,
        process,
        signal,
        spend: rotation && ((token, sentAt) => rotation.spend({ spends: spends ?? 'nothing', token, process, sentAt })),
      }),
    parse: (json) => (typeof json === 'number' ? json : undefined),
    fingerprint: (token) => `t${token}`,
  }
}

function onEvent({ tell, saw, witness }: World, event: WarmEvent, process: Process): void {
  tell(() => `${process.name} ${JSON.stringify(event)}`)
  if (event.type === 'wait') witness.onWait(process, event.epoch)
  if (event.type === 'fenced' || event.type === 'publish' || event.type === 'cool-down') saw(event.type)
  if (event.type === 'hit' && event.stale) saw('stale served')
  if (event.type === 'fetch' && event.alone) saw('alone')
  if (event.type === 'acquire' && event.adopted) saw('adopted')
}
