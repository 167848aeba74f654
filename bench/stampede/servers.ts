import { once } from 'node:events'
import { createServer } from 'node:http'
import { startDynamoDB, startDynoxide, startRedisServer, startUpstash } from '@warmtoken/local'
import { ISSUER_DELAY } from './one.ts'
import type { Wiring } from './wiring.ts'

/** All that a fleet talks to. */
export interface Servers {
  readonly wiring: Wiring
  /** How often the issuer was asked for a key. */
  fetches(key: string): number
  close(): Promise<void>
}

const TABLE = 'tokens'

async function startIssuer() {
  const counts = new Map<string, number>()
  const server = createServer(({ url = '/' }, response) => {
    const key = new URL(url, 'http://issuer').searchParams.get('key') ?? ''
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    setTimeout(() => response.end(`token-${count}-of-${key}`), ISSUER_DELAY)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return { server, counts, url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}` }
}

/** Starts the issuer, Redis with its REST API, and DynamoDB. */
export async function startServers(): Promise<Servers> {
  const issuer = await startIssuer()
  const redis = await startRedisServer()
  const address = { host: '127.0.0.1', port: redis.port }
  const upstash = await startUpstash({ redis: address })
  const dynamoDB = await startDynoxide({ tables: [TABLE] }).catch(() => startDynamoDB({ tables: [TABLE] }))
  return {
    wiring: {
      issuer: issuer.url,
      redis: address,
      upstash: { url: upstash.url, token: upstash.token },
      dynamoDB: { url: dynamoDB.url, table: TABLE },
    },
    fetches: (key) => issuer.counts.get(key) ?? 0,
    close: async () => {
      issuer.server.closeAllConnections()
      issuer.server.close()
      await upstash.close()
      await Promise.all([redis.close(), dynamoDB.close()])
    },
  }
}
