import { createPlague } from '../plague.ts'
import { type Process, START } from '../process.ts'
import type { Result, Run } from '../run.ts'
import type { RunOptions } from '../world.ts'
import { act, control, flood, getOne } from './acts.ts'
import { startEnvironment } from './environment.ts'
import { ALL } from './truth.ts'
import { createDataWorld, type DataWorld } from './world.ts'

/** No run has more events than this, for each environment. */
const MAX_EVENTS = 100_000
/** How many things each environment does, for each call of the scenario. */
const ACTS = 2
const DAY = 86_400_000

/** Prepares the run of a seed: production caches in a world of virtual time. */
export function prepareDataRun(seed: number, options: RunOptions = {}): Run {
  const world = createDataWorld(seed, options)
  const { scenario, schedule, backend, far, witness, seen, counts } = world
  const befall = createPlague({
    ...world,
    onSeen: world.saw,
    onCrash: (process) => void live(world, befall, `${process.name}'`),
  })
  for (let n = 0; n < scenario.environments; n += 1) void live(world, befall, `e${n}`)

  // One more starts while the store is out.
  const { storeOutage } = scenario
  if (storeOutage !== undefined) schedule.after(storeOutage[0] + 100, () => void live(world, befall, 'cold'))

  const mostEvents = MAX_EVENTS * scenario.environments
  let events = 0
  let isEnding = false
  let hasEnded = false
  return {
    step() {
      events += 1
      if (events <= mostEvents && schedule.step()) return true
      if (isEnding || events > mostEvents) return false
      isEnding = true
      void endWell(world).then(
        () => {
          hasEnded = true
        },
        (error: unknown) => witness.violate('V10', `the calm end failed: ${String(error)}`),
      )
      return true
    },
    finish(): Result {
      if (!hasEnded) witness.violate('V10', 'the calm end came to no end: a get was neither served nor rejected')
      return {
        seed,
        scenario,
        violations: witness.violations,
        seen,
        events,
        calls: counts.calls,
        durations: [],
        issuerCalls: counts.loads,
        alone: seen.get('alone') ?? 0,
        readsPerSecond: backend.readsPerSecond(),
        reads: backend.reads() + far.reads(),
        writes: backend.writes() + far.writes(),
      }
    },
  }
}

/** One environment: starts, and acts as often as the scenario says. */
async function live(world: DataWorld, befall: (process: Process) => void, name: string): Promise<void> {
  const { scenario, kind, random } = world
  const environment = startEnvironment(world, name)
  const { process, cache } = environment
  befall(process)
  for (let n = 0; n < scenario.calls * ACTS; n += 1) {
    await process.sleep(random.between(...scenario.pause) / ACTS)
    await decay(world, process)
    const leave = scenario.background ? cache.enter() : undefined
    if (kind.floods && n === 0) await flood(world, environment)
    if (kind.switches && n === 0) await control(world, environment)
    await act(world, environment)
    leave?.()
    await cache.settle()
  }
}

/** What becomes of the stores meanwhile: they clean up, and a body is lost or damaged. */
async function decay(world: DataWorld, process: Process): Promise<void> {
  const { scenario, kind, random, backend, far, saw } = world
  const cleanUp = (): void => {
    backend.cleanUp()
    far.cleanUp()
  }
  if (scenario.cleanUp) cleanUp()
  if (scenario.trouble === 'idle' && random.chance(0.05)) {
    saw('long idle')
    await process.sleep(405 * DAY)
    cleanUp()
  }
  if (kind.size !== 'small' && random.chance(0.08)) spoilBody(world)
}

/** A lifecycle rule took a body, or another one was put in its place. */
function spoilBody({ random, backend, far, witness, saw, tell }: DataWorld): void {
  const place = random.chance(0.5) ? backend : far
  const keys = place.keys('body~')
  if (keys === undefined) return
  const key = random.pick(keys)
  const isLost = random.chance(0.5)
  witness.onSpoil(key)
  place.spoil(key, isLost ? undefined : 'j{"of":"another","n":0,"updates":0}')
  saw(isLost ? 'body lost' : 'body damaged')
  tell(() => `${key} is ${isLost ? 'lost' : 'damaged'}`)
}

/** When all trouble is over, a cold environment serves every get (V10), nothing that is forbidden, and loads what is stale. */
async function endWell(world: DataWorld): Promise<void> {
  const environment = startEnvironment(world, 'last')
  world.calm()
  await environment.process.sleep(Math.max(90_000, pausedUntil(world) - world.schedule.now() + 2_000))
  if (world.kind.switches)
    await environment.cache.control({ sources: { p: { enabled: true, readOnly: false, bypass: false } } })
  for (const params of ALL) {
    await getOne(world, environment, params)
    await getOne(world, environment, params)
  }
}

/**
 * Until when a record forbids to call the loader, in true time. An environment whose clock stepped forward during a load counts
 * the cool-down from a time that is as far ahead, and until then what is stale may be served.
 */
function pausedUntil({ backend }: DataWorld): number {
  const ends = (backend.keys('p:') ?? []).map((key) => /"notBefore":(\d+)/.exec(backend.image(key)?.body ?? '')?.[1])
  return Math.max(0, ...ends.map((end) => Number(end ?? 0) - START))
}
