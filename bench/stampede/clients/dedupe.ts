/** See redis.ts. */
export { createCache } from 'async-cache-dedupe'
