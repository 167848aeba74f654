import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { describe, expect, it } from 'vitest'
import { until } from './until.ts'

const FROM = Date.UTC(2020, 0, 1)
const TO = Date.UTC(2036, 0, 1)
const ZONES = Intl.supportedValuesOf('timeZone')

/** What the clock on the wall shows, by the runtime's own tables: a witness that is not Temporal. */
function wallClock(at: number, zone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  })
  return format.format(at)
}

function transitionsOf(zone: string): readonly number[] {
  const found: number[] = []
  let at: Temporal.ZonedDateTime | null = Temporal.Instant.fromEpochMilliseconds(FROM).toZonedDateTimeISO(zone)
  for (;;) {
    at = at.getTimeZoneTransition('next')
    if (at === null || at.epochMilliseconds > TO) return found
    found.push(at.epochMilliseconds)
  }
}

const iso = async (boundary: ReturnType<typeof until>, from: string): Promise<string> =>
  new Date(await boundary.next(Date.parse(from))).toISOString()

describe('a daily boundary', () => {
  it('is the next time of the clock in its zone', async () => {
    const midnight = until({ at: '00:00', zone: 'Asia/Shanghai' })
    expect(await iso(midnight, '2026-11-29T15:59:59.999Z')).toBe('2026-11-29T16:00:00.000Z')
    expect(await iso(midnight, '2026-11-29T16:00:00.000Z')).toBe('2026-11-30T16:00:00.000Z')
  })

  it('is later where daylight saving skips it, and the first where it comes twice', async () => {
    const early = until({ at: '02:30', zone: 'Europe/Berlin' })
    expect(await iso(early, '2026-03-28T22:00:00Z')).toBe('2026-03-29T01:30:00.000Z')
    expect(await iso(early, '2026-10-24T22:00:00Z')).toBe('2026-10-25T00:30:00.000Z')
    expect(await iso(early, '2026-10-25T00:45:00Z')).toBe('2026-10-26T01:30:00.000Z')
  })

  it('is the first instant of a date that has no midnight', async () => {
    const midnight = until({ at: '00:00', zone: 'America/Santiago' })
    expect(await iso(midnight, '2026-09-05T12:00:00Z')).toBe('2026-09-06T04:00:00.000Z')
    expect(wallClock(Date.parse('2026-09-06T04:00:00Z'), 'America/Santiago')).toBe('01:00:00')
  })

  it('is strictly later and at most two days away around every transition of every zone', async () => {
    for (const zone of ZONES) {
      const boundaries = [until({ at: '00:00', zone }), until({ at: '02:30', zone })]
      for (const transition of transitionsOf(zone).slice(-6)) {
        for (const now of [transition - 3_600_000, transition - 1, transition, transition + 3_600_000]) {
          for (const boundary of boundaries) {
            const next = await boundary.next(now)
            expect(next).toBeGreaterThan(now)
            expect(next - now).toBeLessThanOrEqual(2 * 86_400_000)
            // Nothing lies between: a millisecond before it, it is still the next one.
            expect(await boundary.next(next - 1)).toBe(next)
          }
        }
      }
    }
  })

  it('shows its time on the wall on any day without a transition', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ZONES), fc.integer({ min: FROM, max: TO }), async (zone, now) => {
        const next = await until({ at: '09:30', zone }).next(now)
        const near = transitionsOf(zone).some((at) => Math.abs(at - next) < 86_400_000)
        if (!near) expect(wallClock(next, zone)).toBe('09:30:00')
      }),
      { numRuns: 200 },
    )
  })
})

describe('a boundary at every multiple', () => {
  it('comes at the multiples that the clock on the wall shows, also where an hour comes twice or never', async () => {
    for (const zone of ZONES) {
      const quarter = until({ every: 900_000, zone })
      for (const transition of transitionsOf(zone).slice(-6)) {
        let now = transition - 3_600_000
        while (now < transition + 2 * 3_600_000) {
          const next = await quarter.next(now)
          expect(next).toBeGreaterThan(now)
          expect(next - now).toBeLessThanOrEqual(900_000)
          expect(wallClock(next, zone)).toMatch(/:(00|15|30|45):00$/)
          now = next
        }
      }
    }
  })

  it('is strictly later also at a fraction of a millisecond', async () => {
    const now = Date.UTC(2026, 0, 1) + 0.5
    expect(await until({ every: 60_000, zone: 'UTC' }).next(now)).toBe(Date.UTC(2026, 0, 1, 0, 1))
  })
})

describe('a boundary', () => {
  it.each([
    [{ at: '24:00', zone: 'UTC' }, /"at" must be a time/],
    [{ at: '9:30', zone: 'UTC' }, /"at" must be a time/],
    [{ at: '00:00', zone: 'Mars/Olympus' }, /"zone" must be an IANA time zone/],
    [{ at: '00:00', zone: '' }, /"zone" must be/],
    [{ at: '00:00' }, /"zone" must be/],
    [{ every: 0, zone: 'UTC' }, /"every" must be ms/],
    [{ every: 7 * 60_000, zone: 'UTC' }, /"every" must be ms/],
    [{ every: 60_000, at: '00:00', zone: 'UTC' }, /unknown option "at"/],
  ])('is refused with %j, which names the option', (options, message) => {
    expect(() => until(options as never)).toThrow(message)
  })
})
