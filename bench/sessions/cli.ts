// `node --conditions=source bench/sessions/cli.ts`: what a known session costs, and what a flood of random tokens does.
import { hash, randomBytes } from 'node:crypto'
import { createTokens, type Store } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { memoryStore } from '@warmtoken/core/memory'
import { createSessions } from '@warmtoken/core/sessions'
import { median } from '../run/numbers.ts'

const ROUNDS = 21
const CALLS = 20_000
const KEY = { current: 'a', keys: { a: randomBytes(32) } }
/** The flood: so many random tokens a second, for so long. */
const FLOOD = { perSecond: 10_000, seconds: 10 }

const store = memoryStore()
const handle = createTokens({ store, directory: false }).use(
  custom({ identity: 'bench', fetch: async () => ({ value: 'x'.repeat(94), lifetime: 3_600_000 }) }),
)
await handle.get()
const sessions = createSessions({ store, key: KEY, recheck: 60_000 })
const { token } = await sessions.create('ann', { device: 'laptop' })

let sink = 0
function time(work: () => unknown): number {
  const startedAt = process.hrtime.bigint()
  for (let n = 0; n < CALLS; n += 1) if (work() !== undefined) sink += 1
  return Number(process.hrtime.bigint() - startedAt) / CALLS
}

function twoHashes(): string {
  return hash('sha256', token.value, 'base64url') + hash('sha256', token.value, 'base64url')
}

const rounds = Array.from({ length: ROUNDS }, () => ({
  limit: time(() => handle.peek()) + time(twoHashes),
  ours: time(() => sessions.peek(token.value)),
}))
const ratio = median(rounds.map(({ limit, ours }) => ours / limit))
console.log(`known session: ${median(rounds.map(({ ours }) => ours)).toFixed(0)} ns`)
console.log(`a token's memory hit and two SHA-256: ${median(rounds.map(({ limit }) => limit)).toFixed(0)} ns`)
console.log(`ratio ${ratio.toFixed(2)} (goal: at most 1.5)`)

/** A token that nobody issued: of the right form, with a checksum only by luck. */
function forge(): string {
  const body = `wts1_${Buffer.concat([randomBytes(20), time6(), randomBytes(32)]).toString('base64url')}`
  return body + hash('sha256', body, 'base64url').slice(0, 11)
}

/** Born now, as an attacker would choose. */
function time6(): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(Date.now(), 0, 6)
  return bytes
}

async function flood(key: typeof KEY | undefined): Promise<void> {
  let reads = 0
  const counting: Store = {
    ...store,
    read(...parts) {
      reads += 1
      return store.read(...parts)
    },
  }
  const flooded = createSessions({ store: counting, recheck: 60_000, ...(key && { key }) })
  const mine = await flooded.create('bob')
  const valid = (): number => {
    const startedAt = process.hrtime.bigint()
    if (flooded.peek(mine.token.value) === undefined) throw new Error('the valid session was not in memory')
    return Number(process.hrtime.bigint() - startedAt)
  }
  const [calm, busy]: [number[], number[]] = [[], []]
  let limited = 0
  reads = 0
  const sizes: number[] = []
  for (let step = 0; step < FLOOD.seconds * 100; step += 1) {
    const due = performance.now() + 10
    for (let n = 0; n < 20; n += 1) calm.push(valid())
    const forged = Array.from({ length: FLOOD.perSecond / 100 }, forge)
    await Promise.all(forged.map((one) => flooded.verify(one).catch(() => (limited += 1))))
    for (let n = 0; n < 20; n += 1) busy.push(valid())
    if (step % 200 === 199) sizes.push(Math.round(process.memoryUsage().heapUsed / 1e5) / 10)
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
  }
  const seconds = FLOOD.seconds
  console.log(
    `flood ${key ? 'with' : 'without'} key: ${reads} reads (${(reads / seconds).toFixed(0)}/s), ${limited} answered 503, ` +
      `valid median ${median(busy)} ns against ${median(calm)} ns, heap ${sizes.join(', ')} MB`,
  )
}

await flood(KEY)
await flood(undefined)
if (sink === 0) console.log('nothing was measured')
