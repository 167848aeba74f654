import type { Inventory, InventoryPage } from '@warmtoken/core/adapter'
import { storeFault } from '@warmtoken/core/adapter'
import { type CallsOptions, runScript, unreadable } from './calls.ts'
import { SCAN } from './scripts.ts'

/** About how many keys the server looks at for a page. */
const PAGE = '500'
/** A cursor of SCAN: an unsigned number of 64 bits. */
const CURSOR = /^\d{1,20}$/

/**
 * The pages of an inventory, by SCAN inside a script. SCAN returns a key that is there all the time at least once, and maybe
 * twice.
 */
export function makePages({ ask, prefix, faultOf, isCluster = () => false }: CallsOptions): Inventory['pages'] {
  const scan = async (cursor: string, signal: AbortSignal): Promise<InventoryPage> => {
    try {
      const args = [cursor, `${escapeGlob(prefix)}*`, PAGE]
      return parsePage(await runScript(ask, SCAN, { keys: [], args, signal }), prefix.length)
    } catch (error) {
      throw faultOf(error)
    }
  }
  return async function* pages({ signal, after }) {
    let cursor = after !== undefined && CURSOR.test(after) ? after : '0'
    do {
      const page = await scan(cursor, signal)
      // Known after the first request.
      if (isCluster()) throw onCluster()
      yield page
      cursor = page.cursor ?? '0'
    } while (cursor !== '0')
  }
}

function parsePage(answer: unknown, prefix: number): InventoryPage {
  const [, next, found] = Array.isArray(answer) ? (answer as unknown[]) : []
  const [cursor] = Array.isArray(next) ? (next as unknown[]) : []
  if (typeof cursor !== 'string' || !CURSOR.test(cursor.slice(1)) || !isTexts(found)) throw unreadable()
  const keys = found.map((key) => key.slice(1 + prefix))
  return { keys, cursor: cursor === '=0' ? undefined : cursor.slice(1) }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&')
}

function onCluster(): Error {
  return storeFault('Redis: SCAN sees one node of a cluster; give a client of each primary node in turn', {
    code: 'STORE_REFUSED',
    retryable: false,
  })
}
