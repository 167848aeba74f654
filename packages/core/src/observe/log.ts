/**
 * Events as lines of a structured logger, such as Powertools Logger, pino or `console`.
 *
 * @module
 */

import { checkOptions, misuse, oneOf, shaped } from '../lib/options.ts'
import { asFields } from '../lib/parse.ts'
import { isObserved, type Observed } from './label.ts'

/** From quiet to loud, as loggers name them. */
const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** How important a line is. */
export type LogLevel = (typeof LEVELS)[number]

/** One line. A type and not an interface, so that it is assignable to what Powertools Logger takes. */
export type LogLine = {
  /** `warmtoken`, then the type of the event: `warmtoken store-error`. */
  readonly message: string
  /** The fields of the event, [as documented](../../../../docs/events.md#all-events). */
  readonly warmtoken: { readonly [field: string]: string | number | boolean }
}

/** What is needed of a logger: four methods that take one object. Powertools Logger, pino, winston and `console` have them. */
export type StructuredLogger = { readonly [Level in LogLevel]: (line: LogLine) => unknown }

/** How {@link logEvents} logs. */
export interface LogOptions {
  /** Events below this level are not handed to the logger. Default `debug`: the logger decides. */
  readonly minLevel?: LogLevel
}

/** Hits are frequent and expected. */
const DEBUG: ReadonlySet<string> = new Set([
  'hit',
  'shared',
  'session-read',
  'recheck',
  'behind-accepted',
  'live-published',
])
/** The call goes on without what failed, or something is not as safe as it could be. */
const WARN: ReadonlySet<string> = new Set([
  'store-error',
  'file-error',
  'bad-record',
  'bad-generation',
  'generation-lost',
  'bad-data',
  'cool-down',
  'fenced',
  'reject',
  'plaintext',
  'suspicious-duration',
  'lifetime-assumed',
  'session-reads-limited',
  'store-forgets',
  'behind-failed',
  'behind-full',
  'behind-fenced',
  'live-failed',
  'live-dropped',
])

/**
 * The fields that are logged. A list of what is allowed, so that a message that another module publishes on the channel, or
 * a field that is added later, brings no value into a log.
 */
const FIELDS: ReadonlySet<string> = new Set([
  ...['type', 'key', 'name', 'tier', 'stale', 'remaining', 'waited', 'epoch', 'takeOver', 'adopted', 'polls', 'took'],
  ...['outcome', 'alone', 'option', 'lifetime', 'ms', 'version', 'kind', 'until', 'count', 'fingerprint', 'paused'],
  ...['n', 'writes', 'queued', 'attempts', 'merged', 'age', 'failures', 'bound'],
  ...[
    'reason',
    'operation',
    'code',
    'by',
    'entries',
    'dropped',
    'id',
    'evicted',
    'found',
    'path',
    'store',
    'publisher',
  ],
])
/** The longest text of a field. */
const MAX_TEXT = 512

/**
 * A listener for `onEvent` that logs each event as one object: `{ message, warmtoken: { type, key, … } }`. Hits are `debug`;
 * misses, leases and successful fetches `info`; a failing store, a cool-down and what is not as it should be `warn`; a failed
 * fetch and a codec that fails `error`. No line holds a token, a secret or a value. Throws `TypeError` for wrong arguments.
 *
 * @example
 * ```ts
 * const tokens = createTokens({ onEvent: logEvents(new Logger({ serviceName: 'orders' })) })
 * ```
 */
export function logEvents(logger: StructuredLogger, options: LogOptions = {}): (event: Observed) => void {
  const [, isLogger] = shaped(...LEVELS)
  if (!isLogger(logger)) misuse('logEvents', `the first argument must be a logger with ${LEVELS.join(', ')}`)
  const { minLevel = 'debug' } = checkOptions('logEvents', options, { minLevel: oneOf(...LEVELS) })
  const quietest = LEVELS.indexOf(minLevel)
  return (event) => {
    if (!isObserved(event)) return
    const level = levelOf(event)
    if (LEVELS.indexOf(level) >= quietest) logger[level](lineOf(event))
  }
}

function levelOf(event: Observed): LogLevel {
  if (DEBUG.has(event.type)) return 'debug'
  if (WARN.has(event.type)) return 'warn'
  if (event.type === 'codec-error' || event.type === 'behind-poison') return 'error'
  return event.type === 'fetch' && asFields(event)?.['outcome'] !== 'ok' ? 'error' : 'info'
}

function lineOf(event: Observed): LogLine {
  const fields = asFields(event) ?? {}
  const warmtoken: Record<string, string | number | boolean> = {}
  for (const name of Object.keys(fields)) {
    if (!FIELDS.has(name)) continue
    const value = fields[name]
    if (typeof value === 'string') warmtoken[name] = value.slice(0, MAX_TEXT)
    else if (typeof value === 'number' || typeof value === 'boolean') warmtoken[name] = value
  }
  return { message: `warmtoken ${event.type.slice(0, MAX_TEXT)}`, warmtoken }
}
