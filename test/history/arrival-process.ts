/** One environment of the arrival bench: keeps no file, waits for its start, and says when it holds the token. @module */

import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import { createTokens, type WarmEvent } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { type Arrival, now, type Round } from './arrival-round.ts'

const [url = '', token = '', issuerUrl = ''] = process.argv.slice(2)

const store = upstashStore({ url, token })
const polls: number[] = []
let startedAt = 0
const tokens = createTokens({
  store,
  directory: false,
  onEvent(event: WarmEvent) {
    if (event.type === 'wait') polls.push(now() - startedAt)
  },
})
const family = tokens.use(
  custom<Round>({
    kind: 'arrival',
    identity: ({ number }) => ({ number }),
    async fetch({ signal, nonce }) {
      const answer = await ask(`${issuerUrl}?${new URLSearchParams({ nonce, lifetime: '600000' })}`, signal)
      return JSON.parse(answer) as { value: string; lifetime: number }
    },
  }),
)

const agent = new Agent({ keepAlive: true })

/** By `node:http`, as the loop asks that this is compared with: at its first uses `fetch` takes longer than the issuer. */
function ask(address: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(address, { agent, signal }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        text += piece
      })
      response.on('end', () => resolve(text))
    })
    request.on('error', reject)
  })
}

async function readOnce(): Promise<{ tier: string }> {
  await store.read('nothing', { signal: AbortSignal.timeout(10_000), consistent: true })
  return { tier: 'store' }
}

// Connections and code are warm before the start, also those of a holder, which not every process becomes before it
// counts: the bench measures the protocol, not the load of a client.
await store.read('warm-up', { signal: AbortSignal.timeout(10_000), consistent: false })
await family.for({ number: -process.pid, startAt: 0, readOnly: false }).get()
process.send?.('ready')

process.on('message', async (round: Round) => {
  polls.length = 0
  // Not by looking at the clock: twenty processes that spin are in each other's way when it matters.
  await sleep(round.startAt - now())
  startedAt = now()
  const { tier } = round.readOnly ? await readOnce() : await family.for(round).get()
  const arrival: Arrival = { tier, late: startedAt - round.startAt, after: now() - round.startAt, polls: [...polls] }
  process.send?.(arrival)
})
