import type { StoreFaultKind, StoreFaults } from '@warmtoken/testing/store'
import type { Database } from './sqlite-store.ts'

/** SQLite's result code for each fault that is an answer: https://www.sqlite.org/rescode.html */
const ANSWERS: Partial<Record<StoreFaultKind, number>> = {
  'server-error': 13,
  throttled: 5,
  busy: 517,
  denied: 8,
  missing: 1,
}
/** An I/O error: before the statement as after it, nobody can tell. */
const IO_ERROR = 10

function failure(errcode: number): Error {
  return Object.assign(new Error('from the double'), { code: 'ERR_SQLITE_ERROR', errcode })
}

/** A database that goes wrong on demand: SQLite runs in this process, so there is no connection that a proxy could cut. */
export function faultyDatabase(database: Database): { readonly database: Database; readonly faults: StoreFaults } {
  const planned: StoreFaultKind[] = []

  const strike = <T>(statement: () => T): T => {
    const kind = planned.shift()
    if (kind === undefined) return statement()
    if (kind === 'lost-request') throw failure(IO_ERROR)
    const answer = ANSWERS[kind]
    if (answer !== undefined) throw failure(answer)
    const result = statement()
    if (kind === 'duplicate') return statement()
    if (kind === 'lost-reply') throw failure(IO_ERROR)
    return result
  }

  return {
    database: {
      exec: (text) => database.exec(text),
      close: () => database.close(),
      prepare(text) {
        const statement = database.prepare(text)
        return new Proxy(statement, {
          get(target, name) {
            const value = Reflect.get(target, name)
            return typeof value === 'function'
              ? (...values: unknown[]) => strike(() => value.apply(target, values))
              : value
          },
        })
      },
    },
    faults: {
      inject(kind, times) {
        // A call that does not return would hold the whole process, and a row comes whole or not at all.
        if (kind === 'hang' || kind === 'truncated-reply') return false
        planned.push(...Array.from({ length: times }, () => kind))
        return true
      },
      heal() {
        planned.length = 0
      },
    },
  }
}
