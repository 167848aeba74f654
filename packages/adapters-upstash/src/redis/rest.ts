import type { Ask } from '@warmtoken/adapters-redis/calls'
import { type Answer, asFields, createPost, type PostOptions, parseJson, repeatOnce } from '@warmtoken/core/adapter'

/** Errors after which nothing is repeated: the server has answered, or nothing was sent. */
const ANSWERED = /^(UpstashError|AnswerNotJson|AnswerTooLong|RequestRefused|RequestUnsupported)$/
/** What a header may hold: a sync token with anything else would have the next request refused. */
const PRINTABLE = /^[ -~]*$/

interface RestPlace extends Pick<PostOptions, 'agent'> {
  readonly url: string
  readonly token: string
}

/**
 * Asks by Upstash's REST API, without `@upstash/redis`: loading it takes a new environment 9 ms, and the first use of
 * its `fetch` 25 (`docs/performance/cold.md`). A request that got no answer is repeated once; a script recognizes its repeat.
 */
export function askByRest({ url, token, agent }: RestPlace): Ask {
  const post = createPost(new URL(url), { agent })
  const fixed = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  let syncToken = ''

  return (name, script, { keys, args, signal }) => {
    const body = JSON.stringify([name, script, keys.length, ...keys, ...args])
    const attempt = async (): Promise<unknown> => {
      const answer = await post({ headers: { ...fixed, 'upstash-sync-token': syncToken }, body }, signal)
      const next = String(answer.headers['upstash-sync-token'] ?? '')
      syncToken = PRINTABLE.test(next) ? next : ''
      return resultOf(answer)
    }
    return repeatOnce(attempt, { signal, isUnanswered: (error) => !ANSWERED.test((error as Error).name) })
  }
}

/** What the command returned. Throws what the server says of one that failed, or that its answer cannot be read. */
function resultOf({ status, text }: Answer): unknown {
  // A proxy before the database may say it in words of its own.
  if (status === 401) throw failure('UpstashError', 'Unauthorized')
  const cause = status === 200 ? undefined : { code: `HTTP ${status}` }
  const json = asFields(parseJson(text))
  if (json === undefined) throw failure('AnswerNotJson', 'the answer is not JSON', cause)
  if (status === 200 && (json['error'] ?? undefined) === undefined) return json['result']
  throw failure('UpstashError', String(json['error']), cause)
}

function failure(name: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { name })
}
