import type { Redis } from '@upstash/redis'
import { doubt } from './failure.ts'
import type { RedisClient } from './redis.ts'
import type { Ask } from './run.ts'

/** Held fast by the compiler: a `Redis` of `@upstash/redis` is such a client. The options themselves cannot name it. */
type Client = Redis extends RedisClient ? RedisClient : never

/**
 * Asks by a client of the user's own. Its promise is left when the signal aborts: one client knows no signal of a call. It
 * repeats by itself and shows only the last attempt, so whatever it fails with, the first may have been done.
 */
export function askByClient(redis: Client): Ask {
  return (name, script, { keys, args, signal }) =>
    abortable(name === 'eval' ? redis.eval(script, keys, args) : redis.evalsha(script, keys, args), signal).catch(
      (error: unknown) => {
        throw doubt(error)
      },
    )
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(Object.assign(new Error('the call was aborted'), { name: 'AbortError' }))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
