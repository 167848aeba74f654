import type { Runtime } from '../src/contracts.ts'
import type { Random } from './random.ts'
import type { Cancelable, Schedule } from './schedule.ts'

/** How a process's clocks behave. */
export interface Clocks {
  /** How wrong the wall clock is at the start, in ms. */
  readonly skew: number
  /** Whether the monotonic clock stops while the process is frozen. */
  readonly monotonicStops: boolean
}

/** One simulated process: its clocks, its timers, and whether it is alive and awake. */
export interface Process {
  readonly name: string
  readonly runtime: Runtime
  /** Runs an action in the process: later while it is frozen, never once it has crashed. */
  deliver(action: () => void): void
  isAlive(): boolean
  isFrozen(): boolean
  /** How often it has been frozen. */
  freezes(): number
  /** How long it has been frozen in all, in ms. */
  frozenFor(): number
  freeze(): void
  thaw(): void
  crash(): void
  /** Steps the wall clock. */
  stepWall(by: number): void
  /** Resolves after `ms` of the process's own time. */
  sleep(ms: number): Promise<void>
}

/** The wall clock at the start of every run, in ms since 1970. */
export const START = 1_700_000_000_000

/** Makes a process. */
export function createProcess(name: string, schedule: Schedule, random: Random, clocks: Clocks): Process {
  let alive = true
  let frozenAt: number | undefined
  let frozen = 0
  let freezes = 0
  let skew = clocks.skew
  let made = 0
  let waiting: (() => void)[] = []
  const origin = random.between(0, 1_000_000)

  const monotonic = (): number => {
    const frozenNow = frozenAt === undefined ? 0 : schedule.now() - frozenAt
    return origin + schedule.now() - (clocks.monotonicStops ? frozen + frozenNow : 0)
  }

  const deliver = (action: () => void): void => {
    if (!alive) return
    if (frozenAt === undefined) action()
    else waiting.push(action)
  }

  // A timer counts on the monotonic clock, so one that stops during a freeze makes it late by as much.
  const after = (ms: number, callback: () => void): (() => void) => {
    const due = monotonic() + ms
    let planned: Cancelable
    const arm = (delay: number): void => {
      planned = schedule.after(delay, () => deliver(ring))
    }
    const ring = (): void => {
      // Canceled while it waited for a process that was frozen.
      if (planned.canceled) return
      const left = due - monotonic()
      if (left > 0.01) arm(left)
      else callback()
    }
    arm(ms)
    return () => {
      planned.canceled = true
    }
  }

  return {
    name,
    runtime: {
      wall: () => Math.floor(START + schedule.now() + skew),
      monotonic,
      random: random.next,
      unique: () => `${name}.${made++}`,
      after,
    },
    deliver,
    isAlive: () => alive,
    isFrozen: () => frozenAt !== undefined,
    freezes: () => freezes,
    frozenFor: () => frozen + (frozenAt === undefined ? 0 : schedule.now() - frozenAt),
    freeze() {
      if (frozenAt !== undefined) return
      frozenAt = schedule.now()
      freezes += 1
    },
    thaw() {
      if (frozenAt === undefined) return
      frozen += schedule.now() - frozenAt
      frozenAt = undefined
      const late = waiting
      waiting = []
      // One at a time, as a real event loop takes them: what the first of them starts may matter to the next.
      for (const action of late) schedule.after(0, () => deliver(action))
    },
    crash() {
      alive = false
      waiting = []
    },
    stepWall(by) {
      skew += by
    },
    sleep: (ms) => new Promise((resolve) => void after(ms, resolve)),
  }
}
