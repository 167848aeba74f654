/**
 * Expiry at a boundary of the calendar: midnight in a time zone, every quarter of an hour. The subpath
 * `@warmtoken/core/calendar`. Time zones and daylight saving are Temporal's: the runtime's own, or the package
 * `temporal-polyfill`, which is loaded with the first boundary.
 *
 * @module
 */

import type { Temporal } from 'temporal-polyfill'
import { checkOptions, misuse, type Rule } from '../lib/options.ts'
import { matches } from '../lib/parse.ts'

type TemporalApi = typeof Temporal
type Zoned = Temporal.ZonedDateTime

const DAY = 86_400_000
/** The shortest `every`, in ms. */
const MIN_EVERY = 60_000
/** How many transitions of a zone are looked at before a boundary must be found. Zones have at most a few a year. */
const MAX_TRANSITIONS = 8
/** How many dates are looked at: a date may be missing in a zone, and the first of them may be over. */
const MAX_DATES = 4

/** A boundary of the calendar. Give it as `usable` or `fresh`. */
export interface Boundary {
  /** The first boundary after `now`, both in ms since 1970. Strictly later than `now`. */
  next(now: number): Promise<number>
}

/** Once a day, at a time of the clock. */
export interface DailyOptions {
  /**
   * `HH:MM` or `HH:MM:SS`. A time that daylight saving skips is moved later by the skipped hour; `00:00` is the first
   * instant of the date. A time that comes twice is its first occurrence.
   */
  readonly at: string
  /** An IANA time zone, such as `Asia/Shanghai`. */
  readonly zone: string
}

/** At every multiple of a duration since midnight, by the clock on the wall: at :00, :15, :30 and :45, say. */
export interface EveryOptions {
  /** In ms, at least a minute; a day must be a multiple of it. */
  readonly every: number
  /** An IANA time zone. */
  readonly zone: string
}

/** A time zone. */
export const zoneRule: Rule = ['an IANA time zone, such as "Europe/Berlin"', isZone]
const DAILY_RULES = { at: ['a time "HH:MM" or "HH:MM:SS"', isTimeOfDay] as const, zone: zoneRule }
const EVERY_RULES = { every: ['ms, at least a minute, that divide a day', isEvery] as const, zone: zoneRule }

/**
 * The next boundary of the calendar. Throws `TypeError` that names the option.
 *
 * @example
 * ```ts
 * cache.use({ key: 'leaderboard:{day}', usable: until({ at: '00:00', zone: 'Asia/Shanghai' }), load })
 * ```
 */
export function until(options: DailyOptions | EveryOptions): Boundary {
  if ('every' in options) {
    const { every, zone } = checkOptions('until', options, EVERY_RULES, ['every', 'zone'])
    return { next: async (now) => nextMultiple(await startAt(now, zone), every) }
  }
  const { at, zone } = checkOptions('until', options, DAILY_RULES, ['at', 'zone'])
  return { next: async (now) => nextDaily(await loadTemporal(), await startAt(now, zone), at) }
}

/** Today or on a later date, whichever comes first. */
function nextDaily({ PlainTime }: TemporalApi, now: Zoned, at: string): number {
  const plainTime = PlainTime.from(at)
  const isMidnight = plainTime.equals(PlainTime.from('00:00'))
  let date = now.toPlainDate()
  for (let count = 0; count < MAX_DATES; count += 1) {
    const timeZone = now.timeZoneId
    // `compatible`: later in a gap, the first where a time comes twice. Midnight is the first instant there is.
    const boundary = date.toZonedDateTime(isMidnight ? { timeZone } : { timeZone, plainTime })
    if (boundary.epochMilliseconds > now.epochMilliseconds) return boundary.epochMilliseconds
    date = date.add({ days: 1 })
  }
  return misuse('until', `no boundary was found in ${now.timeZoneId}`)
}

/** Between two transitions the clock on the wall runs evenly; a transition may itself land on a multiple. */
function nextMultiple(now: Zoned, every: number): number {
  let from = now
  for (let count = 0; count < MAX_TRANSITIONS; count += 1) {
    const candidate = from.epochMilliseconds + every - (timeOfDay(from) % every)
    const transition = from.getTimeZoneTransition('next')
    if (transition === null || transition.epochMilliseconds > candidate) return candidate
    if (timeOfDay(transition) % every === 0) return transition.epochMilliseconds
    from = transition
  }
  return misuse('until', `no boundary was found in ${now.timeZoneId}`)
}

/** What the clock on the wall shows, in ms since it showed midnight. */
function timeOfDay({ hour, minute, second, millisecond }: Zoned): number {
  return ((hour * 60 + minute) * 60 + second) * 1_000 + millisecond
}

async function startAt(now: number, zone: string): Promise<Zoned> {
  const { Instant } = await loadTemporal()
  return Instant.fromEpochMilliseconds(Math.floor(now)).toZonedDateTimeISO(zone)
}

/** The runtime's own Temporal where it has one. */
async function loadTemporal(): Promise<TemporalApi> {
  const own = (globalThis as { readonly Temporal?: TemporalApi }).Temporal
  return own ?? (await import('temporal-polyfill')).Temporal
}

function isZone(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[A-Za-z][\w+/-]{0,59}$/.test(value)) return false
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: value }))
  } catch {
    return false
  }
}

/** Whether it is `HH:MM` or `HH:MM:SS`. */
export function isTimeOfDay(value: unknown): boolean {
  return matches(value, /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/)
}

function isEvery(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= MIN_EVERY && DAY % value === 0
}
