import type { Runtime } from '@warmtoken/core'
import { createTokens } from '@warmtoken/core'

/** A clock that stands still until you move it: what `createTokens` takes as `runtime`. Durations are in ms. */
export interface FakeClock extends Runtime {
  /** The time it shows, in ms since 1970. */
  now(): number
  /**
   * Moves the time on by `ms`, at least 0, and runs the timers that come due, in their order. Resolves when what they
   * started has settled or waits for a later instant. Throws `RangeError` for anything but a length.
   */
  advance(ms: number): Promise<void>
}

/** How {@link fakeClock} is set up. */
export interface FakeClockOptions {
  /** The time at the start: a date, or ms since 1970. Default 2030-01-01T00:00:00Z. */
  readonly at?: Date | number
}

interface Timer {
  readonly at: number
  readonly callback: () => void
}

const START = Date.UTC(2030, 0, 1)
/** How many turns of the event loop what a timer started may take: a refresh by the store in memory takes four. */
const TURNS = 20

/**
 * Makes a clock that ages tokens when you say so. The same calls give the same times, marks and random numbers in every
 * run.
 *
 * @example
 * ```ts
 * const clock = fakeClock()
 * const crm = fakeToken({ clock, lifetime: 3_600_000 })
 * await crm.get()
 * await clock.advance(3_600_000)
 * await crm.get() // fetched again
 * ```
 */
export function fakeClock({ at = START }: FakeClockOptions = {}): FakeClock {
  const start = Number(at)
  if (!Number.isFinite(start)) throw new RangeError('fakeClock: option "at" must be a valid date, or ms since 1970')
  const timers = new Set<Timer>()
  let now = start
  let made = 0

  const nextDue = (end: number): Timer | undefined =>
    [...timers].filter((timer) => timer.at <= end).sort((one, other) => one.at - other.at)[0]

  return {
    now: () => now,
    wall: () => Math.floor(now),
    monotonic: () => now - start,
    // Jitter in the middle of its range: nothing depends on luck.
    random: () => 0.5,
    unique() {
      made += 1
      return `fake-${made}`
    },
    after(ms, callback) {
      const timer = { at: now + Math.max(0, ms), callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    async advance(ms) {
      if (!(Number.isFinite(ms) && ms >= 0)) throw new RangeError('advance: give ms >= 0')
      const end = now + ms
      await loadMissPath()
      await settle()
      for (let due = nextDue(end); due !== undefined; due = nextDue(end)) {
        timers.delete(due)
        now = Math.max(now, due.at)
        due.callback()
        await settle()
      }
      now = end
      await settle()
    },
  }
}

let missPath: Promise<unknown> | undefined

/** The first miss of a process loads files, which no number of turns can wait for. This one does it beforehand. */
function loadMissPath(): Promise<unknown> {
  missPath ??= createTokens({ directory: false })
    .use({
      kind: 'fake',
      identity: () => null,
      fetch: async () => ({ value: { value: 'fake', type: 'Bearer' }, lifetime: 60_000 }),
    })
    .get()
  return missPath
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn()
}

/** By a message, because fake timers of a test runner stop timers and `setImmediate`. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.once('message', () => {
      port1.close()
      resolve()
    })
    port2.postMessage(undefined)
  })
}
