// What a flood of random tokens does to one environment, in a process of its own: prints a `Flooded` as JSON.
import { hash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '@warmtoken/core'
import { memoryStore } from '@warmtoken/core/memory'
import { createSessions, type Sessions } from '@warmtoken/core/sessions'
import { median } from '../run/numbers.ts'

/** So many tokens come at once, so many times a second. */
const BATCH = 100
const BATCHES = 100
/** Looks at the valid session before and after each batch. */
const LOOKS = 20

/** What the flood did. */
export interface Flooded {
  readonly tokens: number
  /** How long it lasted, in seconds: longer than asked for where the machine is busy. */
  readonly seconds: number
  readonly reads: number
  /** How many of the tokens could not be judged because of `readsPerSecond`: such a request is answered by 503. */
  readonly limited: number
  /** What a valid session takes right before and right after a batch, in ns. */
  readonly calm: number
  readonly busy: number
  /** The heap in MB, every two seconds. */
  readonly heap: readonly number[]
}

/** A token that nobody issued: of the right form, born now as an attacker would choose, its checksum right without a key. */
function forge(): string {
  const born = Buffer.alloc(6)
  born.writeUIntBE(Date.now(), 0, 6)
  const body = `wts1_${Buffer.concat([randomBytes(20), born, randomBytes(32)]).toString('base64url')}`
  return body + hash('sha256', body, 'base64url').slice(0, 11)
}

function lookAt(sessions: Sessions, token: string): readonly number[] {
  return Array.from({ length: LOOKS }, () => {
    const startedAt = process.hrtime.bigint()
    if (sessions.peek(token) === undefined) throw new Error('the valid session was not in memory')
    return Number(process.hrtime.bigint() - startedAt)
  })
}

async function flood(isKeyed: boolean, seconds: number): Promise<Flooded> {
  const store = memoryStore()
  let reads = 0
  const counting: Store = {
    ...store,
    read(...call) {
      reads += 1
      return store.read(...call)
    },
  }
  const key = { current: 'a', keys: { a: randomBytes(32) } }
  const sessions = createSessions({ store: counting, recheck: 60_000, ...(isKeyed && { key }) })
  const { token } = await sessions.create('bob')
  reads = 0
  const startedAt = performance.now()
  let limited = 0
  const [calm, busy]: [number[], number[]] = [[], []]
  const heap: number[] = []
  for (let step = 0; step < seconds * BATCHES; step += 1) {
    const nextAt = performance.now() + 1_000 / BATCHES
    calm.push(...lookAt(sessions, token.value))
    const forged = Array.from({ length: BATCH }, forge)
    await Promise.all(
      forged.map((one) =>
        sessions.verify(one).catch(() => {
          limited += 1
        }),
      ),
    )
    busy.push(...lookAt(sessions, token.value))
    if (step % (2 * BATCHES) === 2 * BATCHES - 1) heap.push(process.memoryUsage().heapUsed / 1e6)
    await sleep(Math.max(0, nextAt - performance.now()))
  }
  return {
    tokens: seconds * BATCHES * BATCH,
    seconds: (performance.now() - startedAt) / 1_000,
    reads,
    limited,
    calm: median(calm),
    busy: median(busy),
    heap,
  }
}

const [form, seconds] = process.argv.slice(2)
console.log(JSON.stringify(await flood(form === 'keyed', Number(seconds))))
