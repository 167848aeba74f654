import { setTimeout as sleep } from 'node:timers/promises'
import { askIssuer, toRedis, toUpstash } from './connections.ts'
import { type FleetVariant, HOUR, LOCK } from './wiring.ts'

/** Variants that lock: the holder of the lock fetches, the others find the value. */
export const locks: readonly FleetVariant[] = [
  {
    name: 'bare loop: SET NX, then re-read every 10 ms',
    part: 'limit',
    open: async (wiring) => {
      const redis = await toRedis(wiring)
      return {
        get: async (key) => {
          const won = await redis.set(`lock:${key}`, '1', 'PX', LOCK, 'NX')
          if (won === 'OK') {
            const token = await askIssuer(wiring, key)
            await redis.set(key, token, 'PX', HOUR)
            return token
          }
          for (;;) {
            const token = await redis.get(key)
            if (token !== null) return token
            await sleep(10)
          }
        },
      }
    },
  },
  {
    name: 'redlock',
    open: async (wiring) => {
      const redis = await toRedis(wiring)
      const { Redlock } = await import('./clients/redlock.ts')
      // More attempts than by default, with which most of a fleet gives up.
      const redlock = new Redlock([redis], { retryCount: 200, retryDelay: 50, retryJitter: 25 })
      redlock.on('error', () => undefined)
      return {
        get: async (key) => {
          const known = await redis.get(key)
          if (known !== null) return known
          return redlock.using([`lock:${key}`], LOCK, async () => {
            const published = await redis.get(key)
            if (published !== null) return published
            const token = await askIssuer(wiring, key)
            await redis.set(key, token, 'PX', HOUR)
            return token
          })
        },
      }
    },
  },
  {
    name: '@upstash/lock',
    open: async (wiring) => {
      const redis = await toUpstash(wiring)
      const { Lock } = await import('./clients/lock.ts')
      return {
        get: async (key) => {
          const known = await redis.get<string>(key)
          if (known !== null) return known
          const lock = new Lock({
            id: `lock:${key}`,
            redis: redis as never,
            lease: LOCK,
            retry: { attempts: 200, delay: 50 },
          })
          if (!(await lock.acquire())) throw new Error('the lock was not available')
          try {
            const published = await redis.get<string>(key)
            if (published !== null) return published
            const token = await askIssuer(wiring, key)
            await redis.set(key, token, { px: HOUR })
            return token
          } finally {
            await lock.release()
          }
        },
      }
    },
  },
]
