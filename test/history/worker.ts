import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { createTokens, type WarmEvent } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { seededRandom } from '@warmtoken/local'
import { recordingStore } from '@warmtoken/testing/history'
import { connect } from './connect.ts'
import { parseOrders } from './orders.ts'
import { CRASHES, type Line, type Message, PARAMS, PAUSE, PAUSES, type Params, POLICY, type Told } from './protocol.ts'

/** The fates of a holder: shares of the calls to the issuer. */
const CRASH = 0.1
const PAUSE_BEFORE = 0.2
const PAUSE_AFTER = 0.35
const PAUSE_LONG = 0.45
/** Within how long all begin, in ms. */
const START_SPREAD = 2_000

const { address, issuerUrl, file, seed, permits } = parseOrders(workerData)
const random = seededRandom(seed)
const lines = openSync(file, 'a')
function say(message: Message): void {
  parentPort?.postMessage(message)
}
// Written at once, for what a crash leaves in memory is lost.
function write(line: Line): void {
  void writeSync(lines, `${JSON.stringify(line)}\n`)
}
function tell(what: Told, key: string): void {
  write({ type: 'told', what, key })
  say({ type: 'told', what })
}

/** Stops the whole thread: no timer, no socket, as in a frozen environment. */
function stopFor(ms: number): void {
  void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function may(what: number): boolean {
  return Atomics.sub(permits, what, 1) > 0
}

function tellEvent(event: WarmEvent): void {
  if (event.type === 'acquire') tell(event.adopted ? 'adopted' : event.takeOver ? 'taken over' : 'acquired', event.key)
  if (event.type === 'publish') tell('published', event.key)
  if (event.type === 'fenced') tell('fenced', event.key)
  if (event.type === 'fetch' && event.alone) tell('alone', event.key)
  if (event.type === 'fetch' && !event.alone && event.outcome !== 'ok') tell('failed fetch', event.key)
}

const tokens = createTokens({
  store: recordingStore(connect(address), write, { by: file }),
  directory: false,
  onEvent: tellEvent,
  ...POLICY,
})
const family = tokens.use(
  custom<Params>({
    kind: 'history',
    identity: ({ name }) => ({ name }),
    async fetch({ params: { name, lifetime }, nonce, signal }) {
      const fate = random()
      if (fate < CRASH && may(CRASHES)) {
        say({ type: 'crash' })
        // The test ends this thread meanwhile: the lease stays behind.
        stopFor(Number.POSITIVE_INFINITY)
      }
      const isPausing = fate >= CRASH && fate < PAUSE_LONG && may(PAUSES)
      if (isPausing) tell('paused', name)
      if (isPausing && fate < PAUSE_BEFORE) stopFor(PAUSE)
      const answer = await fetch(`${issuerUrl}?${new URLSearchParams({ nonce, lifetime: `${lifetime}` })}`, { signal })
      const token = (await answer.json()) as { value: string; lifetime: number }
      if (isPausing && fate >= PAUSE_BEFORE) stopFor(fate < PAUSE_AFTER ? PAUSE : 2 * PAUSE)
      return token
    },
  }),
)

let isStopping = false
function next(): Promise<unknown> {
  return new Promise((resolve) => parentPort?.once('message', resolve))
}

async function use(params: Params): Promise<void> {
  const handle = family.for(params)
  // Not all at one instant: forty cold threads on few cores would time out as one, and learn nothing.
  await sleep(random() * START_SPREAD)
  while (!isStopping) {
    // A token may well be out of reach for a while: here only what the store was asked counts.
    await handle.get().catch(() => {})
    await sleep(50 + random() * 200)
  }
}

async function work(): Promise<void> {
  const word = next()
  // The client is loaded before the start, or forty loads at once would make everything else late.
  await connect(address)
    .read('warm-up', { signal: AbortSignal.timeout(10_000), consistent: false })
    .catch(() => {})
  say({ type: 'ready' })
  await word
  next().then(() => {
    isStopping = true
  })
  await Promise.all(PARAMS.map(use))
  await tokens.settle({ timeout: 3_000 })
  say({ type: 'done' })
  parentPort?.close()
}

// The thread reports its own failure.
work()
