// What one known session costs, or its limit, in a process of its own: prints ns as JSON.
import { hash, randomBytes } from 'node:crypto'
import { createTokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { memoryStore } from '@warmtoken/core/memory'
import { createSessions } from '@warmtoken/core/sessions'
import { type Loop, timeOf } from '../run/processor.ts'

/** What must be done at least: a hash to find the session by, one for its checksum, and a look into memory. */
export const LIMIT = "a token's memory hit and two SHA-256"
export const OURS = 'warmtoken `peek`'

let sink = 0
function repeat(work: () => unknown): Loop {
  return async (calls) => {
    for (let n = 0; n < calls; n += 1) if (work() !== undefined) sink += 1
  }
}

/** The loop that is named. */
async function loopOf(name: string | undefined): Promise<Loop> {
  const store = memoryStore()
  const keyed = { current: 'a', keys: { a: randomBytes(32) } }
  // No record is read again while the loop runs.
  const sessions = createSessions({ store, key: keyed, recheck: 60_000 })
  const { token } = await sessions.create('ann', { device: 'laptop' })
  if (name === OURS) return repeat(() => sessions.peek(token.value))
  const handle = createTokens({ store, directory: false }).use(
    custom({ identity: 'bench', fetch: async () => ({ value: 'x'.repeat(94), lifetime: 3_600_000 }) }),
  )
  await handle.get()
  const twoHashes = (): string => hash('sha256', token.value, 'base64url') + hash('sha256', token.value, 'base64url')
  return repeat(() => (handle.peek() === undefined ? undefined : twoHashes()))
}

if (import.meta.main) {
  const ns = await timeOf(await loopOf(process.argv[2]))
  if (sink === 0) throw new Error('nothing was found in memory')
  console.log(JSON.stringify({ ns }))
}
