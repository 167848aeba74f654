import { Redis } from '@upstash/redis'

/** What a handler would call. */
export const redis: unknown = new Redis({ url: 'https://redis.example', token: 'none' })
