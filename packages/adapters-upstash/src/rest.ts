import type { Answer } from '@warmtoken/http'
import { doubt, failure } from './failure.ts'
import { poster } from './rest-post.ts'
import type { Ask } from './run.ts'

/** The pause before the one repeat of a request that got no answer, in ms. */
const REPEAT_AFTER = 20

/**
 * Asks by Upstash's REST API, without `@upstash/redis`: loading it takes a new environment 9 ms, and the first use of
 * its `fetch` 25 (`docs/performance/cold.md`). Throws a fault when the URL is none, or the token no header.
 */
export function askByRest(url: string, token: string): Ask {
  const post = poster(url, token)
  let syncToken = ''
  return async (name, script, { keys, args, signal }) => {
    const body = JSON.stringify([name, script, keys.length, ...keys, ...args])
    let isUnanswered = false
    const answer = await post(body, syncToken, signal).catch(async (error: unknown) => {
      isUnanswered = true
      await pause(signal)
      // A script knows its own repeat; an abort is not repeated.
      if (signal.aborted) throw error
      return post(body, syncToken, signal)
    })
    // What no header of ours may hold would have the next request refused.
    syncToken = /^[ -~]*$/.exec(answer.headers['upstash-sync-token'] ?? '')?.[0] ?? ''
    try {
      return resultOf(answer)
    } catch (error) {
      throw isUnanswered ? doubt(error) : error
    }
  }
}

/** What the command gave. Throws what the server says of one that failed, or that it says nothing that can be read. */
function resultOf({ status, text }: Answer): unknown {
  // Whoever stands before the database may say it in words of their own.
  if (status === 401) throw failure('UpstashError', 'Unauthorized')
  const cause = status === 200 ? undefined : { code: `HTTP ${status}` }
  const json = parse(text)
  if (json === undefined) throw failure('AnswerUnreadable', 'the answer is not JSON', cause)
  if (status === 200 && (json.error ?? undefined) === undefined) return json.result
  throw failure('UpstashError', String(json.error), cause)
}

function parse(text: string): { readonly result?: unknown; readonly error?: unknown } | undefined {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? json : undefined
  } catch {
    // What the parser says would quote a record.
    return undefined
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, signal.aborted ? 0 : REPEAT_AFTER)
    signal.addEventListener('abort', done)
  })
}
