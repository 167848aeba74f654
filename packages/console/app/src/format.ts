/** Numbers, lengths and instants as people read them. @module */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const number = new Intl.NumberFormat('en')
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** `1,234` */
export function count(value: number): string {
  return number.format(value)
}

/** `52 min`: the two largest units at most. */
export function length(ms: number): string {
  const left = Math.max(0, ms)
  if (left < SECOND) return `${Math.round(left)} ms`
  if (left < 10 * SECOND) return `${(left / SECOND).toFixed(1)} s`
  if (left < 2 * MINUTE) return `${Math.floor(left / SECOND)} s`
  if (left < 2 * HOUR) return `${Math.floor(left / MINUTE)} min`
  if (left < 2 * DAY) return `${Math.floor(left / HOUR)} h ${Math.floor((left % HOUR) / MINUTE)} min`
  return `${Math.floor(left / DAY)} d ${Math.floor((left % DAY) / HOUR)} h`
}

/** `3 min ago` */
export function ago(at: number, now: number): string {
  const passed = Math.floor((now - at) / SECOND)
  if (passed < 2) return 'now'
  return passed < 10 ? `${passed} s ago` : `${length(passed * SECOND)} ago`
}

/** `14:03:07` of today, the date with it otherwise. */
export function instant(at: number, now: number): string {
  const date = new Date(at)
  return date.toDateString() === new Date(now).toDateString() ? clock.format(date) : full.format(date)
}

/** `12.4 KB` */
export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`
  if (value < 1_000_000) return `${(value / 1_000).toFixed(1)} KB`
  return `${(value / 1_000_000).toFixed(1)} MB`
}

/** `99.2 %`; a share of nothing has none. */
export function percent(share: number | null): string {
  return share === null ? '–' : `${(Math.round(share * 1_000) / 10).toFixed(1)} %`
}
