import { Agent, get } from 'node:http'
import type { Redis as UpstashRedis } from '@upstash/redis'
import type { Redis } from 'ioredis'
import type { Wiring } from './wiring.ts'

const agent = new Agent({ keepAlive: true })

/** Asks the issuer for a token. */
export function askIssuer({ issuer }: Wiring, key: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(`${issuer}/token?key=${encodeURIComponent(key)}`, { agent }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    })
    request.on('error', reject)
  })
}

let redis: Promise<Redis> | undefined
let upstash: Promise<UpstashRedis> | undefined

/** The connection of this process to Redis. */
export function toRedis(wiring: Wiring): Promise<Redis> {
  redis ??= connectRedis(wiring)
  return redis
}

/** A connection that nobody else uses. */
export async function connectRedis(wiring: Wiring): Promise<Redis> {
  const { Redis } = await import('./clients/redis.ts')
  return new Redis({ ...wiring.redis, lazyConnect: false })
}

/** The client of this process for the REST API. */
export function toUpstash({ upstash: { url, token } }: Wiring): Promise<UpstashRedis> {
  upstash ??= import('@upstash/redis').then(({ Redis }) => new Redis({ url, token, enableTelemetry: false }))
  return upstash
}
