import { DatabaseSync } from 'node:sqlite'
import {
  asFields,
  mayHaveBeenApplied,
  overtaken,
  repeatOnce,
  type Seen,
  type Store,
  type StoreFault,
  type Swapped,
  storeFault,
} from '@warmtoken/core/adapter'

/** What the store uses of a `DatabaseSync`. */
export type Database = Pick<DatabaseSync, 'exec' | 'prepare' | 'close'>

/** The store, and what a program does with its file besides. */
export interface SqliteStore extends Store {
  /** Removes the records that nobody needs any more. SQLite does not do this on its own. */
  sweep(): void
  close(): void
}

/** How long a statement waits for another process to finish its own, in ms. */
const LOCK_TIMEOUT = 300

const TIME = "round(unixepoch('subsec') * 1000)"
const READ = `SELECT body, tag, now FROM (SELECT ${TIME} AS now) LEFT JOIN tokens ON key = ?`
const INSERT = 'INSERT INTO tokens (body, tag, keepUntil, key) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'
const UPDATE = 'UPDATE tokens SET body = ?, tag = ?, keepUntil = ? WHERE key = ? AND tag = ?'
const SWEEP = `DELETE FROM tokens WHERE keepUntil < ${TIME}`

/** Opens the file, which is made if it is missing, with its table. */
export function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: LOCK_TIMEOUT })
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS tokens (key TEXT PRIMARY KEY, body TEXT NOT NULL, tag TEXT NOT NULL, keepUntil INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS byKeepUntil ON tokens (keepUntil);
  `)
  return database
}

/** A store on one SQLite file: for processes that share a disk, such as containers on one machine. */
export function sqliteStore(database: Database): SqliteStore {
  const [read, insert, update, sweep] = [READ, INSERT, UPDATE, SWEEP].map((text) => database.prepare(text))

  const look = (key: string): Seen => {
    const { body, tag, now } = read?.get(key) ?? {}
    const image = typeof body === 'string' && typeof tag === 'string' ? { body, tag } : undefined
    // All processes share this machine's clock, in whole milliseconds.
    return { image, time: { at: Number(now), precision: 1 } }
  }

  return {
    name: 'sqlite',
    async read(key, { signal }) {
      signal.throwIfAborted()
      try {
        return await repeatOnce(async () => look(key), { signal, isUnanswered })
      } catch (cause) {
        throw sqliteFault(cause)
      }
    },
    async swap(key, { expected, body, tag, keepUntil }, { signal }) {
      signal.throwIfAborted()
      const values = [body, tag, Math.ceil(keepUntil), key] as const
      const write = async (): Promise<Swapped> => {
        // The database decides, in one statement: it writes only over the record that the caller has seen.
        const done = expected === undefined ? insert?.run(...values) : update?.run(...values, expected.tag)
        const seen = look(key)
        const isWritten = Number(done?.changes) > 0
        // Its own tag is there: this same write was applied before.
        if (!isWritten && seen.image?.tag !== tag) return { outcome: 'conflict', seen }
        return { outcome: 'swapped', image: { body, tag }, time: seen.time }
      }
      try {
        const swapped = await repeatOnce(write, { signal, isUnanswered })
        // Its repeat met the write of another, which may have followed the first attempt.
        const isInDoubt = swapped.outcome === 'conflict' && mayHaveBeenApplied(swapped)
        return isInDoubt ? { outcome: 'unknown', cause: overtaken() } : swapped
      } catch (error) {
        const cause = sqliteFault(error)
        if (isUnanswered(error) || mayHaveBeenApplied(error)) return { outcome: 'unknown', cause }
        throw cause
      }
    },
    sweep: () => void sweep?.run(),
    close: () => database.close(),
  }
}

/** Result codes of SQLite: https://www.sqlite.org/rescode.html */
const ERROR = 1
const BUSY = 5
const READONLY = 8
const FULL = 13
const CANTOPEN = 14
const FAULTS: { readonly [result: number]: readonly [code: string, message: string] } = {
  [ERROR]: ['STORE_MISSING', 'the table is missing or another one; remove the file'],
  [BUSY]: ['STORE_UNAVAILABLE', 'another process holds the file'],
  [READONLY]: ['STORE_DENIED', 'the file is read-only; allow this user to write to it and to its folder'],
  [FULL]: ['STORE_UNAVAILABLE', 'the disk is full'],
  [CANTOPEN]: ['STORE_DENIED', 'the file cannot be opened; allow this user to write to it and to its folder'],
}

/** The result code of SQLite without its details; 0 for another error. */
function resultOf(error: unknown): number {
  return Number(asFields(error)?.['errcode'] ?? 0) & 0xff
}

/** Whether a statement may have changed something: after the errors above it has not, after an I/O error nobody knows. */
function isUnanswered(error: unknown): boolean {
  return FAULTS[resultOf(error)] === undefined
}

function sqliteFault(cause: unknown): StoreFault {
  const [code, message] = FAULTS[resultOf(cause)] ?? ['STORE_UNAVAILABLE', 'the file could not be read or written']
  return storeFault(`SQLite: ${message}`, { code, retryable: code === 'STORE_UNAVAILABLE', cause })
}
