/** One of many processes that keep one token warm over Redis, each with an engine and a connection of its own. @module */

import { openSync, writeSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { redisStore } from '@warmtoken/adapters-redis'
import { createTokens, type Store } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { frontedStore } from '@warmtoken/core/fronted'
import { recordingStore } from '@warmtoken/testing/history'
import { Redis } from 'ioredis'
import { type Orders, type Said, WINDOW } from './one-key-protocol.ts'

/** Between two calls, in ms. */
const PAUSE = 40

function say(said: Said): void {
  process.send?.(said)
}

function makeStore({ redis, dynamodb }: Orders): Store {
  const front = redisStore({ connect: () => new Redis({ port: redis }) })
  if (dynamodb === undefined) return front
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const requestHandler = { connectionTimeout: 300, requestTimeout: 800, throwOnRequestTimeout: true }
  const place = { endpoint: dynamodb, region: 'us-east-1', credentials, maxAttempts: 2, requestHandler }
  return frontedStore({ front, authority: dynamoDBStore({ table: 'tokens', client: new DynamoDBClient(place) }) })
}

const agent = new Agent({ keepAlive: true })
function ask(address: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(address, { agent, signal }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.on('end', () => resolve(text))
    })
    request.on('error', reject)
  })
}

function next(): Promise<unknown> {
  return new Promise((resolve) => process.once('message', resolve))
}

/** An engine that writes down what it asks of the store. */
function makeHandle({ issuerUrl, file, lifetime }: Orders, store: Store, onAlone: () => void) {
  const lines = openSync(file, 'a')
  const tokens = createTokens({
    store: recordingStore(store, (line) => void writeSync(lines, `${JSON.stringify(line)}\n`)),
    directory: false,
    timeout: 20_000,
    onEvent(event) {
      if (event.type === 'fetch' && event.alone) onAlone()
    },
  })
  const source = custom({
    kind: 'one-key',
    identity: 'one',
    // The issuer gives no new token before, so each serves for nearly its whole life.
    traits: { reuseWindow: WINDOW },
    async fetch({ signal, nonce }) {
      say({ type: 'fetching' })
      return JSON.parse(await ask(`${issuerUrl}?${new URLSearchParams({ nonce, lifetime: `${lifetime}` })}`, signal))
    },
  })
  return tokens.use(source)
}

async function work(): Promise<void> {
  const orders = (await next()) as Orders
  let alone = 0
  const store = makeStore(orders)
  const handle = makeHandle(orders, store, () => {
    alone += 1
  })
  // Connects and loads before the start.
  await store.read('warm-up', { signal: AbortSignal.timeout(10_000), consistent: false }).catch(() => undefined)
  say({ type: 'ready' })
  await next()

  let isStopping = false
  next().then(() => {
    isStopping = true
  })
  let served = 0
  let dead = 0
  const failures: string[] = []
  while (!isStopping) {
    try {
      const { value } = await handle.get()
      // The issuer writes its own end into each token.
      if (Date.now() > Number(value.split('@')[1])) dead += 1
      served += 1
    } catch (error) {
      failures.push(String((error as { code?: unknown }).code))
    }
    await sleep(PAUSE)
  }
  say({ type: 'done', served, failures, dead, alone })
  process.disconnect()
}

// The process reports its own failure.
work()
