import { makeKey } from '../lib/key.ts'
import { asFields, asText, asTime, type Fields, matches, parseJson } from '../lib/parse.ts'

/** The longest event, as JSON, in bytes. */
export const MAX_EVENT = 512
/** The longest topic, in characters. */
export const MAX_TOPIC = 256

const KINDS = ['publish', 'invalidate', 'reject', 'session-ended'] as const

/**
 * What happened: a new value was published (`publish`), values were declared outdated (`invalidate`), an API refused a
 * token (`reject`), sessions of a user ended (`session-ended`).
 */
export type LiveKind = (typeof KINDS)[number]

/**
 * Something that changed, never the value itself. It may come twice, late, or not at all: the version alone decides what
 * is newer, and a client that may have missed one asks for the versions.
 */
export interface LiveEvent {
  /** What it is about: `key:<key>`, `tag:<tag>`, `root:<cache>`, `user:<hash>`, or a topic of your own. */
  readonly topic: string
  /** Which of the things in the topic; left out, all of them. */
  readonly key?: string
  /** Rises with every change of the key: one more than the last, or the server's time in ms where that is larger. */
  readonly version: number
  readonly kind: LiveKind
  /** When it was announced, in ms since 1970. For people; nothing is decided by it. */
  readonly at: number
}

/** The version of a key in a topic, as the store has it. */
export type LiveVersion = Pick<LiveEvent, 'topic' | 'key' | 'version'>

/**
 * The event as JSON, for `Swap.announce`: without its key where it is longer than 512 bytes with it, and `undefined` where
 * the topic alone is too long.
 */
export function printEvent({ topic, key, version, kind, at }: LiveEvent): string | undefined {
  const whole = JSON.stringify({ topic, key, version, kind, at })
  if (isShort(whole)) return whole
  const bare = JSON.stringify({ topic, version, kind, at })
  return isShort(bare) ? bare : undefined
}

function isShort(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_EVENT
}

/** The event in a text; `undefined` for anything else. */
export function parseEvent(text: unknown): LiveEvent | undefined {
  const fields = typeof text === 'string' && isShort(text) ? asFields(parseJson(text)) : undefined
  return fields && eventOf(fields)
}

/** The event in parsed JSON; `undefined` for anything else. */
export function eventOf(fields: Fields): LiveEvent | undefined {
  const { topic, key, kind } = fields
  const [version, at] = [asTime(fields['version']), asTime(fields['at'])]
  const known = KINDS.find((one) => one === kind)
  if (!isTopic(topic) || version === undefined || at === undefined || known === undefined) return undefined
  if (key !== undefined && asText(key, MAX_EVENT) === undefined) return undefined
  return { topic, ...(key !== undefined && { key: String(key) }), version, kind: known, at }
}

/** Whether it may be a topic: a prefix of letters, a colon, and up to 250 printable characters. */
export function isTopic(value: unknown): value is string {
  return matches(value, /^[a-z][a-z-]{0,15}:[^\p{Cc}\p{Zl}\p{Zp}]{1,239}$/u)
}

/** The version after `last`: one more, or the server's time in ms where that is larger, so that it outlives a deletion. */
export function nextVersion(last: number, now: number): number {
  return Math.max(last + 1, Math.floor(now))
}

/** The topic of one key: a token, or a value of the data cache. */
export function keyTopic(key: string): string {
  return `key:${key}`
}

/** The topic of a user, which names nobody. `namespace`: that of `createSessions`. */
export function userTopic(userId: string, namespace = ''): string {
  return `user:${makeKey('session', namespace, userId).slice('session~'.length)}`
}
