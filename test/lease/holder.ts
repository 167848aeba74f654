/** One process that holds a lease again and again, and writes down by its own clock when it believed to hold it. @module */

import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import { withLease } from '@warmtoken/core/lease'
import { type HolderLine, LENGTH, now, parseHolderOrders, TABLE } from './protocol.ts'

const { kind, url, token, register, file } = parseHolderOrders(process.argv[2])
/** How often a holder writes to the resource. */
const WRITES = 7

const lines = openSync(file, 'a')

// Written at once, for what a kill leaves in memory is lost.
function write(line: HolderLine): void {
  void writeSync(lines, `${JSON.stringify(line)}\n`)
}

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
const store =
  kind === 'upstash'
    ? upstashStore({ url, token })
    : dynamoDBStore({ table: TABLE, client: new DynamoDBClient({ endpoint: url, region: 'us-east-1', credentials }) })

/** Writes to the resource that the lease protects: it refuses a fence that is lower than one it has seen. */
async function writeTo(fence: number): Promise<void> {
  const answer = await fetch(register, { method: 'PUT', body: `${fence}` })
  write({ type: answer.ok ? 'accepted' : 'refused', fence, at: now() })
}

/** Holds the lease once, works under it, and never looks at its signal. */
async function holdOnce(): Promise<void> {
  await withLease({ store }, 'history', { length: LENGTH, duration: 3 * LENGTH, wait: 60_000 }, async (held) => {
    const { fence, remaining } = held
    write({ type: 'begin', fence, at: now() })
    process.send?.('holding')
    for (let count = 0; count < WRITES; count += 1) {
      const at = now()
      if (remaining() > 0) write({ type: 'believes', fence, at })
      await writeTo(fence)
      await sleep(40)
    }
  })
}

async function work(): Promise<void> {
  for (;;) {
    await holdOnce().catch((error: unknown) => {
      write({ type: 'failed', at: now(), code: `${(error as { readonly code?: unknown }).code ?? error}` })
    })
    await sleep(5)
  }
}

// Until it is killed.
void work()
