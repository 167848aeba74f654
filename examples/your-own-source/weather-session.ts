import type { Source, TokenValue } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { SourceRefusedError, SourceUnavailableError } from '@warmtoken/core/errors'

/** A session of the weather service: `POST /login` gives it for an API key, and every request carries it in a header. */
export function weatherSession({ url, apiKey }: { readonly url: string; readonly apiKey: string }): Source<TokenValue> {
  return custom({
    kind: 'weather',
    // Whatever makes one session differ from another. It becomes the key of the record; no secret belongs here.
    identity: { url },
    async fetch({ signal }) {
      const response = await fetch(`${url}/login`, { method: 'POST', headers: { 'x-api-key': apiKey }, signal })
      if (response.status === 401) {
        // Asking again is useless: the fleet pauses, and callers get this error at once.
        throw new SourceRefusedError('the weather service refuses WEATHER_API_KEY; check its value')
      }
      if (!response.ok) {
        const seconds = Number(response.headers.get('retry-after'))
        throw new SourceUnavailableError(`the weather service answered ${response.status}`, {
          ...(seconds > 0 && { retryAfter: seconds * 1000 }),
        })
      }
      const { session, validSeconds } = (await response.json()) as { session: string; validSeconds: number }
      return { value: session, lifetime: validSeconds * 1000 }
    },
    traits: {
      // The service wants its session in a header of its own, and says 403 when the session has ended.
      attach: ({ headers }, { value }) => headers.set('x-session', value),
      isRejection: ({ status }) => status === 403,
    },
  })
}
