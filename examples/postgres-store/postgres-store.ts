import {
  abortable,
  mayHaveBeenApplied,
  overtaken,
  repeatOnce,
  type Seen,
  type Store,
  stopwatch,
} from '@warmtoken/core/adapter'
import pg from 'pg'
import { isUnanswered, postgresFault } from './faults.ts'

/** How long one attempt may take, in ms: two fit into the time that the engine gives a store. */
const ATTEMPT = 350
/** How long connecting may take, in ms: a TLS handshake is slow in a cold environment. */
const CONNECT = 2_000
/** A connection that was idle for longer, in ms, may be dead: the environment may have been frozen. */
const MAX_IDLE = 4_000

const NOW = '(extract(epoch from clock_timestamp()) * 1000)::float8'
const READ = `select body, tag, now from (select ${NOW} as now) as clock left join tokens on key = $1`
const INSERT = `insert into tokens (key, body, tag, keep_until) values ($1, $2, $3, to_timestamp($4))
  on conflict do nothing returning ${NOW} as now`
const UPDATE = `update tokens set body = $2, tag = $3, keep_until = to_timestamp($4) where key = $1 and tag = $5
  returning ${NOW} as now`
const SWEEP = 'delete from tokens where keep_until < now()'

/** The store, and what a program does with its table besides. */
export interface PostgresStore extends Store {
  /** Removes the records that nobody needs any more. PostgreSQL does not do this on its own. */
  sweep(): Promise<void>
  close(): Promise<void>
}

/** A store on the table of `schema.sql`. It takes the options of a pool of `pg`, such as `connectionString` and `ssl`. */
export function postgresStore(options: pg.PoolConfig): PostgresStore {
  const limits = { max: 5, query_timeout: ATTEMPT, connectionTimeoutMillis: CONNECT, allowExitOnIdle: true }
  const pool = new pg.Pool({ ...limits, ...options })
  const ignore = (): void => undefined
  // Without a listener, an idle connection that breaks ends the process.
  pool.on('error', ignore).on('connect', (client) => client.on('error', ignore))
  /** Counts the answers that never came: what made one connection silent may have met the others too. */
  let losses = 0
  const marks = new WeakMap<pg.PoolClient, { readonly losses: number; readonly idle: () => number }>()

  const take = async (): Promise<pg.PoolClient> => {
    const client = await pool.connect()
    const mark = marks.get(client)
    if (mark === undefined || (mark.losses === losses && mark.idle() < MAX_IDLE)) return client
    client.release(true)
    return take()
  }
  const giveBack = (client: pg.PoolClient): void => {
    marks.set(client, { losses, idle: stopwatch() })
    client.release()
  }
  const query = async (text: string, values: readonly unknown[]) => {
    const client = await take()
    try {
      const { rows } = await client.query(text, [...values])
      giveBack(client)
      return rows
    } catch (error) {
      if (isUnanswered(error)) losses += 1
      client.release(true)
      throw error
    }
  }

  const look = async (key: string): Promise<Seen> => {
    const [{ body, tag, now }] = await query(READ, [key])
    return { image: tag === null ? undefined : { body, tag }, time: { at: now, precision: 0 } }
  }

  return {
    name: 'postgres',
    async open() {
      // Connecting does not count as the store's time. While a connection is in use, others are not needed yet.
      if (pool.totalCount === pool.idleCount) giveBack(await take())
    },
    read: (key, { signal }) =>
      repeatOnce(() => abortable(look(key), signal), { signal, isUnanswered }).catch((error) => {
        throw postgresFault(error)
      }),
    async swap(key, { expected, body, tag, keepUntil }, { signal }) {
      const values = [key, body, tag, Math.ceil(keepUntil) / 1000]
      const write = async () => {
        // One statement decides. What is in the way takes a second one: the first sees the table as it was before.
        const [row] =
          expected === undefined ? await query(INSERT, values) : await query(UPDATE, [...values, expected.tag])
        if (row !== undefined)
          return { outcome: 'swapped', image: { body, tag }, time: { at: row.now, precision: 0 } } as const
        const seen = await look(key)
        // Its own tag is there: the attempt before this one was applied, and its answer was lost.
        if (seen.image?.tag === tag) return { outcome: 'swapped', image: seen.image, time: seen.time } as const
        return { outcome: 'conflict', seen } as const
      }
      try {
        const swapped = await repeatOnce(() => abortable(write(), signal), { signal, isUnanswered })
        // Its repeat met the write of another, which may have followed the first attempt.
        const isInDoubt = swapped.outcome === 'conflict' && mayHaveBeenApplied(swapped)
        return isInDoubt ? { outcome: 'unknown', cause: overtaken() } : swapped
      } catch (error) {
        const cause = postgresFault(error)
        if (isUnanswered(error) || mayHaveBeenApplied(error)) return { outcome: 'unknown', cause }
        throw cause
      }
    },
    sweep: async () => void (await query(SWEEP, [])),
    close: () => pool.end(),
  }
}
