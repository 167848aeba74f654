import type { Redis } from '@upstash/redis'
import { type Ask, type CallsOptions, createFaults, makeCalls } from '@warmtoken/adapters-redis/calls'
import type { StoreCalls, StoreFault } from '@warmtoken/core/adapter'
import { abortable, markAmbiguous, storeFault } from '@warmtoken/core/adapter'
import type { RedisClient, UpstashStoreOptions } from './options.ts'

const NAME = 'Upstash'

/** What Upstash and a proxy before it say to someone who may not; the remedy is the same. */
const upstashFault = createFaults(NAME, [
  {
    words: /^(NOPERM|NOAUTH|WRONGPASS|Unauthorized)\b/i,
    why: 'access denied; the token must be that of this database and be allowed EVAL and EVALSHA',
    code: 'STORE_DENIED',
  },
])

/** The store's requests, by a client or by REST. Loaded with the first of them. */
export async function openCalls(options: UpstashStoreOptions): Promise<Required<StoreCalls>> {
  return makeCalls(await openDatabase(options))
}

/** What every request needs: how a script is sent, and what becomes of an error. */
export async function openDatabase(options: UpstashStoreOptions): Promise<CallsOptions> {
  const { prefix = 'warmtoken:', url = '', token = '', agent, client } = options
  const ask =
    client === undefined
      ? await import('./rest.ts').then(({ askByRest }) => askByRest({ url, token, agent }))
      : askByClient(typeof client === 'function' ? await client() : client)
  return { ask, prefix, faultOf }
}

/** Requests that Node does not send. */
const UNSENT: { readonly [name: string]: string } = {
  RequestRefused: 'the option "token" holds a character that a token cannot have',
  RequestUnsupported: 'this runtime has only a part of node:https; set "client" to a Redis of @upstash/redis',
}

function faultOf(error: unknown): StoreFault {
  const why = error instanceof Error ? UNSENT[error.name] : undefined
  if (why === undefined) return upstashFault(error)
  return storeFault(`${NAME}: ${why}`, { code: 'STORE_REFUSED', retryable: false })
}

/** Checked by the compiler: a `Redis` of `@upstash/redis` is such a client. The options themselves cannot name it. */
type Client = Redis extends RedisClient ? RedisClient : never

/**
 * Asks through the user's client. Its promise is dropped when the signal aborts, because it takes no signal for one call. It
 * repeats on its own and shows only the last attempt, so whatever it fails with, the first may have been applied.
 */
function askByClient(redis: Client): Ask {
  return (name, script, { keys, args, signal }) =>
    abortable(name === 'eval' ? redis.eval(script, keys, args) : redis.evalsha(script, keys, args), signal).catch(
      (error: unknown) => {
        throw markAmbiguous(error)
      },
    )
}
