import type { Entry } from '../src/contracts.ts'
import type { Ask } from '../src/engine/context.ts'
import { SignInRequiredError } from '../src/errors.ts'
import { checkFailed, checkServed, checkTime, type Open } from './checks.ts'
import type { Environment } from './environment.ts'
import type { SimulatedToken } from './issuer.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

/** What came of a call. */
export type Outcome = Entry<SimulatedToken> | Error

/** The calls of a run. */
export interface Calls {
  /** One call, watched. Never rejects. */
  call(environment: Environment, ask: Ask): Promise<Outcome>
  /** Forgets the calls of a process that has crashed. */
  abandon(process: Process): void
  /** Those that have not ended. */
  readonly open: ReadonlySet<Open>
  /** How long each took that has ended, in ms. */
  readonly durations: readonly number[]
  /** How many were started. */
  count(): number
}

/** Makes the calls of a world, none yet. */
export function createCalls(world: World): Calls {
  const { schedule, random, rotation, needs, tell } = world
  const open = new Set<Open>()
  const durations: number[] = []
  let count = 0
  let brokenSeed: string | undefined

  /** The refresh chain is broken: a person signs in again, after a while. */
  const onBroken = (): void => {
    if (brokenSeed === rotation?.seed()) return
    brokenSeed = rotation?.seed()
    schedule.after(random.between(0, 5_000), () => rotation?.signIn())
  }

  const call = async ({ process, engine, slot }: Environment, ask: Ask): Promise<Outcome> => {
    const one: Open = { process, ask, startedAt: schedule.now(), frozenBefore: process.frozenFor() }
    count += 1
    tell(() => `${process.name} asks ${JSON.stringify(ask)}`)
    open.add(one)
    needs.set(process, Math.max(needs.get(process) ?? 0, ask.minLifetime))
    try {
      const served = await engine.get(slot, ask, (given) => given)
      checkServed(world, one, served)
      return served.entry
    } catch (error) {
      checkFailed(world, one, error)
      if (error instanceof SignInRequiredError) onBroken()
      return error instanceof Error ? error : new Error('not an error')
    } finally {
      open.delete(one)
      durations.push(schedule.now() - one.startedAt)
      checkTime(world, one)
    }
  }

  return {
    call,
    abandon(process) {
      for (const one of open) if (one.process === process) open.delete(one)
    },
    open,
    durations,
    count: () => count,
  }
}
