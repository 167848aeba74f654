import type { Calls } from './calls.ts'
import { checkBesideCrash, checkInStoreOutage } from './checks.ts'
import { startEnvironment } from './environment.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

/** What an environment is started in. */
interface Place {
  readonly world: World
  readonly calls: Calls
  /** Told of its process: what befalls that is planned then. */
  readonly befall: (process: Process) => void
}

/** Starts an environment and invokes it as often as the scenario says. */
export async function live(name: string, { world, calls: { call }, befall }: Place): Promise<void> {
  const { scenario, random, backend, saw } = world
  const environment = startEnvironment(world, name)
  const { process, engine, slot } = environment
  befall(process)
  for (let n = 0; n < scenario.calls; n += 1) {
    await process.sleep(nextPause(world))
    if (scenario.cleanUp) backend.cleanUp()
    const leave = scenario.background ? engine.enter() : undefined
    const minLifetime = random.chance(scenario.longWork) ? random.between(0, scenario.lifetime) : 0
    const timeout = random.pick([2_000, 10_000, 20_000])
    const result = await call(environment, { minLifetime, timeout, rejected: undefined })
    if (result instanceof Error) {
      checkBesideCrash(world, result, timeout)
      checkInStoreOutage(world, result, timeout)
    } else if (random.chance(Math.max(scenario.reject, scenario.refusesAll))) {
      saw('rejected')
      const rejected = await engine.reject(slot, result)
      await call(environment, { minLifetime: 0, timeout: 10_000, rejected })
    }
    leave?.()
    await engine.settle()
  }
}

/** After long idleness environments wake together, as after a night: that is when clean-up and lease meet. */
function nextPause({ scenario, random, schedule }: World): number {
  if (scenario.trouble !== 'idle') return random.between(...scenario.pause)
  return scenario.pause[1] - (schedule.now() % scenario.pause[1]) + random.between(0, 2_000)
}
