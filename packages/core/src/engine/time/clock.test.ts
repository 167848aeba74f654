import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createClock, DRIFT_TOLERANCE } from './clock.ts'
import { createServerClock } from './server-clock.ts'

/** A machine whose clocks can be told what to do. */
function machine() {
  const now = { wall: 1_000_000, monotonic: 50 }
  const clock = createClock({ wall: () => Math.floor(now.wall), monotonic: () => now.monotonic })
  return {
    clock,
    pass(ms: number, { stopped = false, step = 0 } = {}) {
      now.wall += ms + step
      if (!stopped) now.monotonic += ms
    },
  }
}

describe('the clock of an environment', () => {
  it('counts a freeze during which the monotonic clock stops: fast by the wall, slow not at all', () => {
    const { clock, pass } = machine()
    pass(100)
    clock.fast()
    pass(600_000, { stopped: true })
    expect(clock.fast()).toBeGreaterThanOrEqual(600_000)
    expect(clock.slow()).toBeLessThanOrEqual(100 + DRIFT_TOLERANCE)
  })

  it('is not turned back by a wall clock that steps', () => {
    const { clock, pass } = machine()
    pass(60_000, { step: -300_000 })
    expect(clock.fast()).toBeGreaterThanOrEqual(60_000)
    expect(clock.slow()).toBeLessThanOrEqual(60_000)
    const before = clock.fast()
    pass(10)
    expect(clock.fast()).toBeGreaterThanOrEqual(before)
  })

  type Kind = 'run' | 'stop' | 'back' | 'ahead'
  interface Move {
    readonly ms: number
    readonly kind: Kind
  }

  /** Lets time pass move by move; what the wall clock is set back by may hide as much of a stop, where there are both. */
  const holds = (moves: readonly Move[], both: boolean): void => {
    const { clock, pass } = machine()
    let [truth, fast, slow, hidden] = [0, 0, 0, 0]
    for (const { ms, kind } of moves) {
      const step = kind === 'back' ? -ms * 2 : kind === 'ahead' ? ms * 2 : 0
      pass(ms, { stopped: kind === 'stop', step })
      truth += ms
      if (both) hidden += Math.max(0, -step)
      expect(clock.fast()).toBeGreaterThanOrEqual(fast)
      expect(clock.slow()).toBeGreaterThanOrEqual(slow)
      fast = clock.fast()
      slow = clock.slow()
      expect(fast).toBeGreaterThanOrEqual(truth - DRIFT_TOLERANCE - 1 - hidden)
      expect(slow).toBeLessThanOrEqual(truth + DRIFT_TOLERANCE + 1)
    }
  }

  const check = (kinds: readonly Kind[], both = false): void => {
    const move = fc.record({ ms: fc.integer({ min: 0, max: 100_000 }), kind: fc.constantFrom(...kinds) })
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => holds(moves, both)),
      { numRuns: 2_000 },
    )
  }

  it('bounds the true time from both sides while the monotonic clock stops, and never falls', () => {
    check(['run', 'stop'])
  })

  it('bounds it while the wall clock steps', () => {
    check(['run', 'back', 'ahead'])
  })

  it('bounds it except for what a step back hides of a stop, while both do', () => {
    check(['run', 'stop', 'back', 'ahead'], true)
  })

  it('is out by the steps that hid a stop, at most', () => {
    const moves: readonly Move[] = [
      { ms: 44, kind: 'stop' },
      { ms: 1, kind: 'back' },
      { ms: 8, kind: 'stop' },
    ]
    holds(moves, true)
    expect(() => holds(moves, false)).toThrow()
  })

  it('knows the time on the server as an interval, not as a point', () => {
    const { clock, pass } = machine()
    const server = createServerClock(clock)
    expect(server.earliest()).toBeUndefined()
    const sentAt = clock.fast()
    pass(80)
    // The server wrote its Date at 12:00:00.999, which reads 12:00:00.
    server.observe({ at: 43_200_000, precision: 1_000 }, sentAt)
    expect(server.earliest()).toBe(43_200_000)
    expect(server.latest()).toBeGreaterThanOrEqual(43_200_999 + 80)
  })
})
