import { DatabaseSync } from 'node:sqlite'
import type { Seen, Store, StoreFault } from '@warmtoken/core'

/** The store, and what a program does with its file besides. */
export interface SqliteStore extends Store {
  /** Until when a record must be kept, in ms since 1970. */
  keepUntilOf(key: string): Promise<number | undefined>
  /** Removes the records that nobody needs any more. */
  removeExpired(): void
  close(): void
}

/**
 * A store on one SQLite file: for processes that share a disk, such as containers on one machine. Any database with a
 * conditional update will do: a store is two operations, `read` and `swap`.
 *
 * @param path the database file; it is made if it is missing
 */
export function sqliteStore(path: string): SqliteStore {
  const database = new DatabaseSync(path, { timeout: 1000 })
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS tokens (pk TEXT PRIMARY KEY, body TEXT NOT NULL, tag TEXT NOT NULL, keepUntil INTEGER NOT NULL)
  `)
  const select = database.prepare('SELECT body, tag FROM tokens WHERE pk = ?')
  const insert = database.prepare('INSERT INTO tokens VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
  const update = database.prepare('UPDATE tokens SET body = ?, tag = ?, keepUntil = ? WHERE pk = ? AND tag = ?')
  const keepUntil = database.prepare('SELECT keepUntil FROM tokens WHERE pk = ?')
  const remove = database.prepare('DELETE FROM tokens WHERE keepUntil < ?')

  const look = (key: string): Seen => {
    const row = select.get(key)
    const image = row && { body: String(row['body']), tag: String(row['tag']) }
    // All processes share this machine's clock, so it is the clock of the store.
    return { image, time: { at: Date.now(), precision: 0 } }
  }

  const swap: Store['swap'] = async (key, { expected, body, tag, keepUntil }) => {
    // Writes only if the record is still the one that the caller has seen. The database decides, in one statement.
    const { changes } =
      expected === undefined
        ? insert.run(key, body, tag, keepUntil)
        : update.run(body, tag, keepUntil, key, expected.tag)
    const seen = look(key)
    // Its own tag is there: it was written now, or by the same write before.
    if (seen.image?.tag === tag) return { outcome: 'swapped', image: seen.image, time: seen.time }
    if (Number(changes) === 0) return { outcome: 'conflict', seen }
    return { outcome: 'swapped', image: { body, tag }, time: seen.time }
  }

  return {
    name: 'sqlite',
    async read(key, { signal }) {
      signal.throwIfAborted()
      return guarded(() => look(key))
    },
    async swap(key, change, options) {
      options.signal.throwIfAborted()
      return guarded(() => swap(key, change, options))
    },
    keepUntilOf: async (key) => {
      const row = keepUntil.get(key)
      return row && Number(row['keepUntil'])
    },
    removeExpired: () => void remove.run(Date.now()),
    close: () => database.close(),
  }
}

/** An error of SQLite as the fault that a store rejects with. A statement that failed has written nothing. */
async function guarded<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const message = 'the SQLite file could not be used; is the disk full, or the file locked by another program?'
    const fault: StoreFault = Object.assign(new Error(message, { cause }), {
      code: 'STORE_UNAVAILABLE',
      retryable: true,
    })
    throw fault
  }
}
