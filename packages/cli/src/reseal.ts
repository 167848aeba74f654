/** Seals what a record holds again with another key, whatever kind of record it is. @module */

import type { Codec } from '@warmtoken/core'
import { asFields, type Fields, parseJson } from '@warmtoken/core/adapter'
import { parseValueRecord, type Replacement } from '@warmtoken/core/operate'
import { printRecord } from '@warmtoken/core/record'
import { keepUntilOf, parseRecord as parseSessions } from '@warmtoken/core/sessions/record'

/** The form of a text that `aesGcm` has sealed, with the id of its key. */
const SEALED = /^a1\.([A-Za-z0-9_-]{1,32})\./
/** A record of a kind that is not known here, with a sealed text in it. */
const HOLDS_SEALED = /"a1\.[A-Za-z0-9_-]{1,32}\./
const DAY = 86_400_000
/** How long a ticket is kept from a write on, in ms: as the inbox does. */
const KEEP_TICKET = 7 * DAY
/** How long a journal is kept from a write on, in ms: as the write-behind does. */
const KEEP_JOURNAL = 401 * DAY
/** How long a body is kept, in ms: for the longest life of a value and a week. The body itself does not show how long it needs. */
const KEEP_BODY = 407 * DAY
/** The version of a journal's form. */
const JOURNAL_SCHEMA = 1

/** A codec, and the id of the key that it seals with, if it has one. */
export interface Sealer {
  readonly codec: Codec
  readonly current: string | undefined
}

/** What is under a key, and the time on the store's server. */
export interface Stored {
  readonly key: string
  readonly body: string
  readonly now: number
}

/**
 * `current`: it is sealed with the current key, or holds nothing that is sealed. `skipped`: it cannot be opened, or its kind is
 * not known.
 */
export type Resealed = Replacement | 'current' | 'skipped'

/** What is to be written in place of a record. Everything but the sealed texts stays as it is. */
export async function resealBody(sealer: Sealer, stored: Stored): Promise<Resealed> {
  const { key, body } = stored
  const parsed = parseValueRecord(body, key)
  if (parsed.outcome === 'record') {
    const { value, ...record } = parsed.record
    if (value === undefined || isCurrent(sealer, value.sealed)) return 'current'
    // To write it again would lose the part that cannot be read.
    const sealed = parsed.damaged.length > 0 ? undefined : await sealAgain(sealer, value.sealed, key)
    if (sealed === undefined) return 'skipped'
    return { body: printRecord({ ...record, value: { ...value, sealed } }), keepUntil: record.keepUntil }
  }
  if (key.startsWith('session~')) return resealSessions(sealer, stored)
  if (key.startsWith('feishu-ticket~')) return resealTicket(sealer, stored)
  if (key.startsWith('body~')) return resealLargeValue(sealer, stored)
  if (key.startsWith('wb~')) return resealJournal(sealer, stored)
  return HOLDS_SEALED.test(body) || parseJson(body) === undefined ? 'skipped' : 'current'
}

/** The sessions of a user. How long they are kept shows only in what is sealed. */
async function resealSessions(sealer: Sealer, { key, body, now }: Stored): Promise<Resealed> {
  if (isCurrent(sealer, body)) return 'current'
  const text = await open(sealer, body, key)
  const sessions = text === undefined ? undefined : parseSessions(text, now)
  if (text === undefined || typeof sessions !== 'object') return 'skipped'
  return { body: await sealer.codec.seal(text, key), keepUntil: keepUntilOf(sessions, now) }
}

/** The ticket of a Feishu store app. */
async function resealTicket(sealer: Sealer, { key, body, now }: Stored): Promise<Resealed> {
  const fields = asFields(parseJson(body)) ?? {}
  const { ticket } = fields
  if (typeof ticket !== 'string') return 'skipped'
  if (isCurrent(sealer, ticket)) return 'current'
  const sealed = await sealAgain(sealer, ticket, key)
  return sealed === undefined
    ? 'skipped'
    : { body: JSON.stringify({ ...fields, ticket: sealed }), keepUntil: now + KEEP_TICKET }
}

/** The body of a large value, sealed as a whole. Its head stays valid: it knows the key and the length of what is sealed. */
async function resealLargeValue(sealer: Sealer, { key, body, now }: Stored): Promise<Resealed> {
  if (isCurrent(sealer, body)) return 'current'
  const sealed = await sealAgain(sealer, body, key)
  return sealed === undefined ? 'skipped' : { body: sealed, keepUntil: now + KEEP_BODY }
}

/** The journal of a write-behind: writes that wait, that were set aside, and the last that was applied, each sealed under its id. */
async function resealJournal(sealer: Sealer, { key, body, now }: Stored): Promise<Resealed> {
  const journal = asFields(parseJson(body))
  if (journal?.['schema'] !== JOURNAL_SCHEMA || journal['key'] !== key) return 'skipped'
  const { queue, aside, latest } = journal
  const again = createAgain(sealer, key)
  const next: Fields = {
    ...journal,
    queue: await again.list(queue),
    aside: await again.list(aside),
    ...(latest !== undefined && { latest: await again.fields(latest) }),
  }
  if (Object.values(next).includes(undefined)) return 'skipped'
  return again.count() === 0 ? 'current' : { body: JSON.stringify(next), keepUntil: now + KEEP_JOURNAL }
}

/** Seals the writes of a journal again. `undefined`: one is damaged or cannot be opened, so the journal is left alone. */
function createAgain(sealer: Sealer, key: string) {
  let sealed = 0
  async function write(id: unknown, text: unknown): Promise<string | undefined> {
    if (typeof id !== 'string' || typeof text !== 'string') return undefined
    if (isCurrent(sealer, text)) return text
    sealed += 1
    return sealAgain(sealer, text, `${key} ${id}`)
  }
  return {
    count: () => sealed,
    async list(value: unknown): Promise<readonly unknown[] | undefined> {
      if (!Array.isArray(value)) return undefined
      const writes = await Promise.all(
        value.map(async (item: unknown) => {
          const [n, id, at, merged, text] = Array.isArray(item) ? (item as unknown[]) : []
          return [n, id, at, merged, await write(id, text)]
        }),
      )
      return writes.every((one) => one[4] !== undefined) ? writes : undefined
    },
    async fields(value: unknown): Promise<Fields | undefined> {
      const fields = asFields(value) ?? {}
      const text = await write(fields['id'], fields['sealed'])
      return text === undefined ? undefined : { ...fields, sealed: text }
    },
  }
}

/** The text sealed with the current key; `undefined` when it cannot be opened. */
async function sealAgain(sealer: Sealer, sealed: string, key: string): Promise<string | undefined> {
  const text = await open(sealer, sealed, key)
  return text === undefined ? undefined : sealer.codec.seal(text, key)
}

function isCurrent({ current }: Sealer, sealed: string): boolean {
  return current !== undefined && SEALED.exec(sealed)?.[1] === current
}

/** The text that was sealed; `undefined` when it cannot be opened. What the codec throws may quote it. */
async function open({ codec }: Sealer, sealed: string, key: string): Promise<string | undefined> {
  try {
    return await codec.open(sealed, key)
  } catch {
    return undefined
  }
}
