/** One of the processes that write behind and drain, until it is killed or told to stop. @module */

import { openSync, writeSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeBehind } from '@warmtoken/core/write-behind'
import { seededRandom } from '@warmtoken/local'
import { connect } from '../history/connect.ts'
import { type BehindLine, type BehindOrders, KEYS, NAME, type Put, TIMES } from './protocol.ts'

/** One drain comes after so many writes, on average. */
const DRAIN_EVERY = 12

const { address, truth, file, seed, number } = JSON.parse(process.argv[2] ?? '') as BehindOrders
const random = seededRandom(seed)
const lines = openSync(file, 'a')
// Written at once, for what a kill leaves in memory is lost.
function tell(line: BehindLine): void {
  void writeSync(lines, `${JSON.stringify(line)}\n`)
}

const agent = new Agent({ keepAlive: true })
function put(body: Put, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(truth, { method: 'PUT', agent, signal }, (response) => {
      response.resume()
      response.on('end', resolve)
    })
    sent.on('error', reject)
    sent.end(JSON.stringify(body))
  })
}

const behind = writeBehind({
  ...TIMES,
  store: connect(address),
  name: NAME,
  key: 'item:{id}',
  // A machine that is busy must not turn a write into poison.
  attempts: 1_000_000,
  apply: ({ id }, value: string, { n, signal }) => put({ key: String(id), n, value }, signal),
})

async function writeOne(count: number): Promise<void> {
  const id = Math.floor(random() * KEYS)
  const value = `${number}.${count}`
  tell({ type: 'asks', key: String(id), value })
  try {
    const { n } = await behind.write({ id }, value, { id: value })
    tell({ type: 'accepted', key: String(id), value, n })
    process.send?.('accepted')
  } catch (error) {
    tell({ type: 'failed', value, code: String((error as { readonly code?: unknown }).code) })
  }
}

async function work(): Promise<void> {
  let isStopping = false
  process.once('message', () => {
    isStopping = true
  })
  const drainSometimes = async (): Promise<void> => {
    if (random() < 1 / DRAIN_EVERY) await behind.drain({ remaining: () => 10_000 }).catch(() => undefined)
  }
  for (let count = 0; !isStopping; count += 1) {
    await writeOne(count)
    await drainSometimes()
    await sleep(random() * 4)
  }
  process.disconnect()
}

// The process reports its own failure.
work()
