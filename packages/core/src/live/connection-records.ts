import type { Image, Runtime, Store, Swapped } from '../contracts.ts'
import { StoreError } from '../errors.ts'
import { makeKey } from '../lib/key.ts'
import { asFields, asText, asTime, parseJson } from '../lib/parse.ts'
import { isTopic } from './event.ts'
import { request } from './request.ts'
import type { Subscribers } from './subscribers.ts'

/** The most topics of one connection. */
export const MAX_TOPICS = 100
/** How often a change is tried. */
const MAX_ATTEMPTS = 8
const SCHEMA = 1

/** What is known of a connection. */
export interface ConnectionRecord {
  readonly user: string
  readonly session: string
  readonly topics: readonly string[]
  /** When it can be there no longer, in ms since 1970. */
  readonly until: number
}

/** What the records stand on. */
export interface ConnectionParts {
  readonly store: Store
  readonly subscribers: Subscribers
  readonly namespace?: string
  readonly timeout: number
  readonly runtime: Runtime
}

/** The records of connections, each an ordinary record of the store. */
export interface ConnectionRecords {
  read(connection: string): Promise<ConnectionRecord | undefined>
  /** Changes the record by compare-and-swap. `change` returns `undefined` to leave it; it may be called again. */
  change(
    connection: string,
    change: (record: ConnectionRecord | undefined) => ConnectionRecord | undefined,
  ): Promise<void>
  /** Removes the connection from its topics and forgets it. */
  remove(connection: string): Promise<void>
}

/** Makes the access to them. Rejects with `StoreError` when the store cannot be used. */
export function createConnectionRecords(parts: ConnectionParts): ConnectionRecords {
  const { store, subscribers, namespace = '', timeout, runtime } = parts
  const keyOf = (connection: string): string => makeKey('live', namespace, connection)

  const onStore = <T>(key: string, call: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    request({ runtime, timeout, what: `the ${store.name} store failed for ${key}`, key }, call)

  const look = async (key: string): Promise<Image | undefined> => {
    await store.open?.()
    return (await onStore(key, (signal) => store.read(key, { signal, consistent: true }))).image
  }

  const records: ConnectionRecords = {
    async read(connection) {
      return parse(await look(keyOf(connection)))
    },
    async change(connection, change) {
      const key = keyOf(connection)
      let image = await look(key)
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const next = change(parse(image))
        if (next === undefined) return
        const swap = {
          expected: image,
          body: JSON.stringify({ schema: SCHEMA, ...next }),
          tag: runtime.unique(),
          keepUntil: next.until,
        }
        const swapped: Swapped = await onStore(key, (signal) => store.swap(key, swap, { signal }))
        if (swapped.outcome === 'swapped') return
        image = swapped.outcome === 'conflict' ? swapped.seen.image : await look(key)
        if (image?.tag === swap.tag) return
      }
      throw new StoreError(`the record of a connection took no change`, { key, retryable: true })
    },
    async remove(connection) {
      const topics = new Set<string>()
      await records.change(connection, (record) => {
        for (const topic of record?.topics ?? []) topics.add(topic)
        return record && { ...record, topics: [], until: 0 }
      })
      if (topics.size === 0) return
      const what = `the subscribers on ${subscribers.name}`
      await request({ runtime, timeout, what }, (signal) => subscribers.drop([...topics], connection, { signal }))
    },
  }
  return records
}

/** The record in an image; `undefined` when it is none, or of a connection that has been removed. */
function parse(image: Image | undefined): ConnectionRecord | undefined {
  const fields = image && asFields(parseJson(image.body))
  const [user, session] = [asText(fields?.['user'], 256), asText(fields?.['session'], 64)]
  const [topics, until] = [fields?.['topics'], asTime(fields?.['until'])]
  if (fields?.['schema'] !== SCHEMA || user === undefined || session === undefined || !until) return undefined
  if (!Array.isArray(topics) || topics.length > MAX_TOPICS || !topics.every(isTopic)) return undefined
  return { user, session, topics, until }
}
