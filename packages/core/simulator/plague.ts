import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scenario } from './scenario.ts'
import type { Schedule } from './schedule.ts'

/** How far a wall clock steps at most, in ms. */
export const MAX_CLOCK_STEP = 300_000

/** What a plague needs to know of its run. */
export interface PlagueOptions {
  readonly schedule: Schedule
  readonly random: Random
  readonly scenario: Scenario
  /** False once the run is in its quiet end. */
  readonly isTroubled: () => boolean
  readonly tell: (what: () => string) => void
  readonly onSeen: (name: string) => void
  /** Told after a process has crashed. */
  readonly onCrash: (process: Process) => void
}

/** Makes what befalls the processes of a run, each by its lot: a crash, a freeze, a clock that steps. */
export function createPlague({
  schedule,
  random,
  scenario,
  isTroubled,
  tell,
  onSeen,
  onCrash,
}: PlagueOptions): (process: Process) => void {
  const horizon = scenario.pause[1] * scenario.calls + 5_000
  const soon = (): number => (random.chance(0.5) ? random.between(0, 2_000) : random.between(0, horizon))

  const crash = (process: Process): void => {
    if (!isTroubled()) return
    onSeen('crash')
    tell(() => `${process.name} crashes`)
    process.crash()
    onCrash(process)
  }

  const freeze = (process: Process): void => {
    onSeen('freeze')
    tell(() => `${process.name} is frozen`)
    process.freeze()
    const length = random.chance(0.7) ? random.between(100, 15_000) : random.between(15_000, scenario.lifetime * 1.2)
    schedule.after(length, () => {
      tell(() => `${process.name} thaws`)
      process.thaw()
    })
  }

  const stepClock = (process: Process): void => {
    onSeen('clock step')
    tell(() => `${process.name}'s wall clock steps`)
    process.stepWall(random.between(-MAX_CLOCK_STEP, MAX_CLOCK_STEP))
  }

  return (process) => {
    if (random.chance(scenario.crash)) schedule.after(soon(), () => crash(process))
    if (random.chance(scenario.freeze)) schedule.after(soon(), () => freeze(process))
    // A backward step together with a monotonic clock that stops cannot be noticed by anyone, so one excludes the other.
    if (scenario.freeze === 0 && random.chance(scenario.clockStep)) schedule.after(soon(), () => stepClock(process))
  }
}
