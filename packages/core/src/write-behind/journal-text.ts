/** Journals as text, and what is believed of a text that came from the store. */

import type { Json } from '../contracts.ts'
import { asFields, asText, asTime, type Fields, isTime, matches, parseJson } from '../lib/parse.ts'
import { MAX_LEASE, SLACK } from '../record/plausible.ts'
import {
  type DrainFailure,
  type DrainLease,
  type Journal,
  type LatestWrite,
  MAX_ASIDE,
  MAX_QUEUE,
  MAX_QUEUE_BYTES,
  MAX_RECENT,
  type QueuedWrite,
} from './journal.ts'

/** The version of the form. */
const SCHEMA = 1
/** The longest journal that is read, in characters: a full queue, as much set aside, the last value, ids and the parameters. */
const MAX_JOURNAL = 300_000
/** How far above the server's time a number is believed, in ms. */
const MAX_AHEAD = 400 * 86_400_000
/** The longest pause after a failure that is believed, in ms. */
const MAX_PAUSE = 86_400_000
/** The longest id of a write, in characters. */
export const MAX_ID = 64
/** More failures, or more merged writes, are not counted. */
const MAX_COUNT = 1e9

/** What the id of a write may be. */
export function isId(value: unknown): value is string {
  return matches(value, /^[\x21-\x7e]{1,64}$/)
}

/** The journal as text. */
export function printJournal({ queue, aside, ...journal }: Journal, key: string): string {
  return JSON.stringify({ schema: SCHEMA, key, ...journal, queue: queue.map(printWrite), aside: aside.map(printWrite) })
}

function printWrite({ n, id, at, merged, sealed }: QueuedWrite): readonly unknown[] {
  return [n, id, at, merged, sealed]
}

/**
 * The journal in an untrusted text; `undefined` when any part that writes depend on is damaged: it must be left alone then.
 * `latest`: the time on the server is this or earlier.
 */
export function parseJournal(body: string, key: string, latest: number): Journal | undefined {
  const fields = body.length > MAX_JOURNAL ? undefined : asFields(parseJson(body))
  if (fields === undefined || fields['schema'] !== SCHEMA || fields['key'] !== key) return undefined
  const numbers = parseNumbers(fields, latest + MAX_AHEAD)
  const recent = parseList(fields['recent'], MAX_RECENT, parseRecent)
  const queue = parseList(fields['queue'], MAX_QUEUE, parseWrite)
  const aside = parseList(fields['aside'], MAX_ASIDE, parseWrite)
  const params = fields['params']
  const newest = fields['latest'] === undefined ? undefined : parseLatest(fields['latest'])
  if (numbers === undefined || recent === undefined || queue === undefined || aside === undefined) return undefined
  if (params === undefined || !isInOrder(queue, numbers)) return undefined
  if (fields['latest'] !== undefined && newest === undefined) return undefined
  const lease = parseLease(fields['lease'], latest)
  const failure = parseFailure(fields['failure'], latest)
  return {
    params: params as Json,
    ...numbers,
    recent,
    queue,
    aside,
    ...(newest && { latest: newest }),
    ...(lease && { lease }),
    ...(failure && { failure }),
  }
}

type Numbers = Pick<Journal, 'last' | 'done' | 'fixed' | 'floor'>

function parseNumbers(fields: Fields, most: number): Numbers | undefined {
  const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && isTime(value) && value <= most
  const { last, done, fixed, floor } = fields
  if (!isNumber(last) || !isNumber(done) || !isNumber(fixed) || !isNumber(floor)) return undefined
  return done <= last && fixed <= last && floor <= last ? { last, done, fixed, floor } : undefined
}

/** In order, above what is done, up to the last number that was given. */
function isInOrder(queue: readonly QueuedWrite[], { done, last }: Numbers): boolean {
  return queue.every(({ n }, index) => n > (queue[index - 1]?.n ?? done) && n <= last)
}

function parseList<T>(value: unknown, most: number, parse: (item: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value) || value.length > most) return undefined
  const items = value.map(parse)
  return items.every((item) => item !== undefined) ? items : undefined
}

function parseRecent(item: unknown): readonly [string, number] | undefined {
  const [id, n] = Array.isArray(item) ? (item as readonly unknown[]) : []
  const number = asTime(n)
  return isId(id) && number !== undefined ? [id, number] : undefined
}

function parseWrite(item: unknown): QueuedWrite | undefined {
  const [n, id, at, merged, text] = Array.isArray(item) ? (item as readonly unknown[]) : []
  const [number, time, count] = [asTime(n), asTime(at), asTime(merged)]
  const sealed = asText(text, MAX_QUEUE_BYTES)
  if (!Number.isSafeInteger(n) || number === undefined || !isId(id) || time === undefined) return undefined
  if (count === undefined || sealed === undefined) return undefined
  return { n: number, id, at: time, merged: Math.min(count, MAX_COUNT), sealed }
}

function parseLatest(value: unknown): LatestWrite | undefined {
  const { n, id, sealed } = asFields(value) ?? {}
  const write = parseWrite([n, id, 0, 1, sealed])
  return write && { n: write.n, id: write.id, sealed: write.sealed }
}

/** A lease from the future, or a damaged one, must not stop a key: the truth tells late writes by their numbers. */
function parseLease(value: unknown, latest: number): DrainLease | undefined {
  const fields = asFields(value)
  const [acquiredAt, length] = [asTime(fields?.['acquiredAt']), asTime(fields?.['length'])]
  const nonce = fields?.['nonce']
  if (!isId(nonce) || acquiredAt === undefined || length === undefined || acquiredAt > latest + SLACK) return undefined
  return { nonce, acquiredAt, length: Math.min(length, MAX_LEASE) }
}

function parseFailure(value: unknown, latest: number): DrainFailure | undefined {
  const fields = asFields(value)
  const [count, notBefore] = [asTime(fields?.['count']), asTime(fields?.['notBefore'])]
  const code = fields?.['code']
  if (count === undefined || notBefore === undefined || !matches(code, /^[\w-]{1,64}$/)) return undefined
  const parked = fields?.['parked'] === true
  return { count: Math.min(count, MAX_COUNT), code, notBefore: Math.min(notBefore, latest + MAX_PAUSE), parked }
}
