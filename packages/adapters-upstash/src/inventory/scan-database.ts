import type { Inventory, InventoryPage } from '@warmtoken/core/adapter'
import { unreadable } from '../redis/faults.ts'
import type { UpstashStoreOptions } from '../redis/options.ts'
import { makeRunner } from '../redis/run.ts'
import { SCAN } from '../redis/scripts.ts'

/** About how many keys Redis looks at for a page. */
const PAGE = '500'
/** A cursor of SCAN: an unsigned number of 64 bits. */
const CURSOR = /^\d{1,20}$/

type How = Parameters<Inventory['pages']>[0]

/** The pages of a database. SCAN returns a key that is there all the time at least once, and maybe twice. */
export async function* scanDatabase(
  options: UpstashStoreOptions,
  { signal, after }: How,
): AsyncIterable<InventoryPage> {
  const { prefix = 'warmtoken:' } = options
  const run = await makeRunner(options)
  let cursor = after !== undefined && CURSOR.test(after) ? after : '0'
  do {
    const { images } = await run(SCAN, { keys: [], args: [cursor, `${escapeGlob(prefix)}*`, PAGE], signal })
    const [[next] = [], found = []] = images
    if (typeof next !== 'string' || !CURSOR.test(next.slice(1)) || !found.every((key) => typeof key === 'string'))
      throw unreadable()
    cursor = next.slice(1)
    const keys = found.map((key) => String(key).slice(1 + prefix.length))
    yield { keys, cursor: cursor === '0' ? undefined : cursor }
  } while (cursor !== '0')
}

function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&')
}
