import type { Redis } from '@upstash/redis'
import type { ServerTime } from '@warmtoken/core/adapter'
import { abortable, markAmbiguous, mayHaveBeenApplied } from '@warmtoken/core/adapter'
import { isUnknownScript, unreadable, upstashFault } from './faults.ts'
import type { Ask, Call, RedisClient, UpstashStoreOptions } from './options.ts'
import type { Script } from './scripts.ts'

/** What a script answered. Only its form is checked. */
export interface ScriptAnswer {
  readonly time: ServerTime
  readonly images: readonly (readonly unknown[])[]
}

/** Runs scripts, by name where Redis knows them. Rejects with a store fault, at once when the signal aborts. */
export type Runner = (script: Script, call: Call) => Promise<ScriptAnswer>

/** Makes what runs scripts, through the user's client or by REST. */
export async function makeRunner({ url = '', token = '', agent, client }: UpstashStoreOptions): Promise<Runner> {
  const ask =
    client === undefined
      ? await import('./rest.ts').then(({ askByRest }) => askByRest({ url, token, agent }))
      : askByClient(typeof client === 'function' ? await client() : client)
  return async (script, call) => {
    try {
      return parseAnswer(await runScript(ask, script, call))
    } catch (error) {
      throw upstashFault(error)
    }
  }
}

async function runScript(ask: Ask, { sha, text }: Script, call: Call): Promise<unknown> {
  try {
    return await ask('evalsha', sha, call)
  } catch (error) {
    if (!isUnknownScript(error)) throw error
    return ask('eval', text, call).catch((later: unknown) => {
      throw mayHaveBeenApplied(error) ? markAmbiguous(later) : later
    })
  }
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

function parseAnswer(answer: unknown): ScriptAnswer {
  const [at, ...images] = Array.isArray(answer) ? (answer as unknown[]) : []
  if (typeof at !== 'number' || !Number.isFinite(at) || images.length === 0 || !images.every(Array.isArray))
    throw unreadable()
  return { time: { at, precision: 1 }, images: images as unknown[][] }
}
