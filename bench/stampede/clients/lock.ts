/** See redis.ts. */
export { Lock } from '@upstash/lock'
