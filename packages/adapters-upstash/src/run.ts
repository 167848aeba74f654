import { Redis } from '@upstash/redis'
import type { ServerTime } from '@warmtoken/core'
import { isUnknownScript, storeFault, unreadable } from './failure.ts'
import type { UpstashStoreOptions } from './redis.ts'
import type { Script } from './scripts.ts'

/** The pause before the one repeat of a request that got no answer, in ms. */
const REPEAT_AFTER = 20

/** What a script answered, not yet believed beyond its form. */
export interface Answer {
  readonly time: ServerTime
  readonly images: readonly (readonly unknown[])[]
}

export type Runner = (script: Script, keys: string[], call: { args: string[]; signal: AbortSignal }) => Promise<Answer>

/** Runs scripts on a client, by name where Redis knows them. Rejects with a fault, at once when the signal aborts. */
export const makeRunner = async ({ url, token, client }: UpstashStoreOptions): Promise<Runner> => {
  let signalOfCall = new AbortController().signal
  const redis =
    typeof client === 'function'
      ? await client()
      : (client ??
        new Redis({
          url,
          token,
          retry: { retries: 1, backoff: () => REPEAT_AFTER },
          automaticDeserialization: false,
          enableAutoPipelining: false,
          enableTelemetry: false,
          latencyLogging: false,
          // A signal that is no function makes the client resolve an abort, to something that looks like "absent".
          signal: () => signalOfCall,
        }))
  /** The client asks for its signal before it first waits, so that the one set here is that of this very call. */
  const send = (call: () => Promise<unknown>, signal: AbortSignal): Promise<unknown> => {
    signalOfCall = signal
    return abortable(call(), signal)
  }
  return async (script, keys, { args, signal }) => {
    const answer = await send(() => redis.evalsha(script.sha, keys, args), signal)
      .catch((error: unknown) => {
        if (!isUnknownScript(error)) throw error
        return send(() => redis.eval(script.text, keys, args), signal)
      })
      .catch((error: unknown) => {
        throw storeFault(error)
      })
    return parseAnswer(answer)
  }
}

const abortable = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const stop = (): void => reject(Object.assign(new Error('the call was aborted'), { name: 'AbortError' }))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })

const parseAnswer = (answer: unknown): Answer => {
  const [at, ...images] = Array.isArray(answer) ? (answer as unknown[]) : []
  if (typeof at !== 'number' || images.length === 0 || !images.every(Array.isArray)) throw unreadable()
  return { time: { at, precision: 1 }, images: images as unknown[][] }
}
