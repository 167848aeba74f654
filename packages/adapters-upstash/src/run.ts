import type { ServerTime } from '@warmtoken/core'
import { doubt, isDoubted, isUnknownScript, storeFault, unreadable } from './failure.ts'
import type { UpstashStoreOptions } from './redis.ts'
import type { Script } from './scripts.ts'

/** What a script is run on, and until when. */
interface Call {
  readonly keys: string[]
  readonly args: string[]
  readonly signal: AbortSignal
}

/** Runs one script, by its text or by its name. Resolves to what it returns; rejects at once when the signal aborts. */
export type Ask = (name: 'eval' | 'evalsha', script: string, call: Call) => Promise<unknown>

/** What a script answered, not yet believed beyond its form. */
export interface Answer {
  readonly time: ServerTime
  readonly images: readonly (readonly unknown[])[]
}

export type Runner = (script: Script, call: Call) => Promise<Answer>

/** Runs scripts, by name where Redis knows them. Rejects with a fault, at once when the signal aborts. */
export async function makeRunner({ url = '', token = '', client }: UpstashStoreOptions): Promise<Runner> {
  const ask =
    client === undefined
      ? await import('./rest.ts').then(({ askByRest }) => askByRest(url, token))
      : await import('./client.ts').then(async ({ askByClient }) =>
          askByClient(typeof client === 'function' ? await client() : client),
        )
  return async (script, call) => {
    const answer = await ask('evalsha', script.sha, call)
      .catch((error: unknown) => {
        if (!isUnknownScript(error)) throw error
        return ask('eval', script.text, call).catch((later: unknown) => {
          throw isDoubted(error) ? doubt(later) : later
        })
      })
      .catch((error: unknown) => {
        throw isDoubted(error) ? doubt(storeFault(error)) : storeFault(error)
      })
    return parseAnswer(answer)
  }
}

function parseAnswer(answer: unknown): Answer {
  const [at, ...images] = Array.isArray(answer) ? (answer as unknown[]) : []
  if (typeof at !== 'number' || !Number.isFinite(at) || images.length === 0 || !images.every(Array.isArray))
    throw unreadable()
  return { time: { at, precision: 1 }, images: images as unknown[][] }
}
