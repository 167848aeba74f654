import { readFileSync } from 'node:fs'
import type { WarmEvent } from '@warmtoken/core'
import { createTokens } from '@warmtoken/core'
import { WarmTokenError } from '@warmtoken/core/errors'
import { memoryStore } from '@warmtoken/core/memory'
import { clientCredentials } from '@warmtoken/core/oauth2'
import { refreshToken } from '@warmtoken/core/refresh-token'
import { type ImitatedAnswer, startImitation } from '@warmtoken/local/issuers'
import { shiftedRuntime } from '../shifted-runtime.ts'

/** An answer of a token endpoint that was seen in the world, and what must become of it. */
export interface TokenAnswerCase {
  readonly name: string
  /** Public reports of it. */
  readonly reports?: readonly string[]
  readonly status?: number
  readonly headers?: { readonly [name: string]: string }
  readonly body: unknown
  /** Whether a byte order mark comes first. */
  readonly bom?: boolean
  /** Whether the grant spends a refresh token that rotates. */
  readonly exclusive?: boolean
  /** More options of the source. */
  readonly options?: object
  readonly expect: 'token' | 'passing' | 'refused'
  readonly authorization?: string
  /** In seconds; `policy`: the default of the option `lifetime`; `maxLifetime`: that of the option. */
  readonly lifetime?: number | 'policy' | 'maxLifetime'
  /** The event `lifetime-assumed` must name the option. */
  readonly event?: string
  /** The message must say that the answer was HTML, and its status. */
  readonly message?: string
  /** The refresh token that the next fetch must spend. */
  readonly keeps?: string
}

/** What became of an answer. */
export interface Outcome {
  readonly outcome: 'token' | 'passing' | 'refused'
  readonly authorization?: string
  /** In seconds. */
  readonly lifetime?: number
  /** The option that the event names. */
  readonly assumed?: string
  readonly message?: string
  readonly spendsNext?: string
}

const DAY = 86_400_000

/** All of them. */
export const TOKEN_ANSWERS: readonly TokenAnswerCase[] = JSON.parse(
  readFileSync(new URL('./token-answers.json', import.meta.url), 'utf8'),
) as readonly TokenAnswerCase[]

/** Asks an issuer that answers so for a token, through the whole engine. */
export async function measureAnswer(one: TokenAnswerCase): Promise<Outcome> {
  const text = typeof one.body === 'string' ? one.body : JSON.stringify(one.body)
  const answer: ImitatedAnswer = {
    status: one.status ?? 200,
    ...(one.headers && { headers: one.headers }),
    body: (one.bom ? '\uFEFF' : '') + text,
  }
  const spent: (string | null)[] = []
  const issuer = await startImitation(
    {},
    () => true,
    ({ body }) => {
      spent.push(new URLSearchParams(body).get('refresh_token'))
      return answer
    },
  )
  const runtime = shiftedRuntime()
  const events: WarmEvent[] = []
  const onEvent = (event: WarmEvent): void => void events.push(event)
  const tokens = createTokens({ store: memoryStore(runtime), directory: false, runtime, onEvent })
  const client = { tokenEndpoint: issuer.url, allowInsecure: true, clientId: 'a', clientSecret: 'b', ...one.options }
  const handle = tokens.use(
    one.exclusive ? refreshToken({ ...client, account: 'c', refreshToken: 'seed' }) : clientCredentials(client),
  )
  try {
    const seen = await handle.get().then(
      (token): Outcome => ({
        outcome: 'token',
        authorization: token.headers().authorization,
        lifetime: (token.expiresAt - token.issuedAt) / 1_000,
      }),
      outcomeOf,
    )
    if (one.exclusive) {
      runtime.advance(DAY)
      await handle.get().catch(() => {})
    }
    const assumed = events.find((event) => event.type === 'lifetime-assumed')?.option
    return {
      ...seen,
      ...(assumed !== undefined && { assumed }),
      ...(one.exclusive && { spendsNext: spent[1] ?? 'nothing' }),
    }
  } finally {
    await issuer.close()
  }
}

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof WarmTokenError)) throw error
  const { cause, message, retryable } = error
  return { outcome: retryable ? 'passing' : 'refused', message: cause instanceof Error ? cause.message : message }
}
