/** A process that reads once from a store on Redis and then does nothing. It must end. */

import { redisStore } from '@warmtoken/adapters-redis'
import { Redis } from 'ioredis'

const [port = ''] = process.argv.slice(2)
const store = redisStore({ connect: () => new Redis({ port: Number(port) }) })
await store.read('key', { signal: AbortSignal.timeout(10_000), consistent: true })
console.log('read')
