import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { listen } from './http/listen.ts'

/** What {@link startProtectedApi} takes. */
export interface ProtectedApiOptions {
  /** Address of the issuer whose tokens are accepted. */
  readonly issuer: string
  /** The `aud` a token must carry. */
  readonly audience: string
  /** Port on 127.0.0.1. Default 0: any free one. */
  readonly port?: number
}

/** A running API that requires a token. */
export interface ProtectedApi {
  readonly url: string
  readonly port: number
  /** Calls answered with 200. */
  readonly accepted: number
  /** Leaderboards that were made. `GET /_leaderboards` shows the number, and that of each game. */
  readonly leaderboards: number
  /** Calls answered with 401. */
  readonly refused: number
  /** From now on refuses this token, as an API does after a revocation. */
  refuse(token: string): void
  /** The same for the token accepted last; false if none was. `POST /_refuse` does it over HTTP. */
  refuseLast(): boolean
  close(): Promise<void>
}

const CONTACTS = [
  { id: 1, name: 'Ada Lovelace' },
  { id: 2, name: 'Grace Hopper' },
  { id: 3, name: 'Katherine Johnson' },
] as const

const LEADERBOARDS = new Map([
  [
    'chess',
    [
      { player: 'Ada', score: 2_850 },
      { player: 'Grace', score: 2_810 },
    ],
  ],
  ['go', [{ player: 'Katherine', score: 3_700 }]],
])
/** How long it takes to make a leaderboard, in ms. */
const SLOWNESS = 1_000

/**
 * Starts an API on a loopback port that answers `GET /contacts` to a bearer token its issuer signed, and 401 with
 * `error="invalid_token"` to anything else. `GET /leaderboard?game=chess` answers the same way, and takes a second. It
 * keeps no token and prints none.
 *
 * @example
 * const api = await startProtectedApi({ issuer: issuer.url, audience: issuer.audience })
 * await fetch(`${api.url}/contacts`, { headers: token.headers() })
 */
export async function startProtectedApi(options: ProtectedApiOptions): Promise<ProtectedApi> {
  const keys = createRemoteJWKSet(new URL(`${options.issuer}/jwks`))
  const refusedTokens = new Set<string>()
  let last: string | undefined
  let accepted = 0
  let refused = 0
  const made = new Map<string, number>()
  let leaderboards = 0

  const accepts = async (token: string): Promise<boolean> => {
    if (refusedTokens.has(markOf(token))) return false
    try {
      await jwtVerify(token, keys, { issuer: options.issuer, audience: options.audience })
      return true
    } catch {
      return false
    }
  }
  const refuseLast = (): boolean => {
    if (last === undefined) return false
    refusedTokens.add(last)
    last = undefined
    return true
  }
  const answerTo = async (
    request: IncomingMessage,
    response: ServerResponse,
    make: () => Promise<unknown>,
  ): Promise<void> => {
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined || !(await accepts(token))) {
      refused += 1
      // RFC 6750: a request without any token gets no error code.
      const challenge = token === undefined ? 'Bearer' : 'Bearer error="invalid_token"'
      return answer(response, 401, { error: 'invalid_token' }, { 'www-authenticate': challenge })
    }
    accepted += 1
    last = markOf(token)
    const body = await make()
    if (body === undefined) return answer(response, 404, { error: 'not_found' })
    answer(response, 200, body)
  }
  const makeLeaderboard = async (game: string): Promise<unknown> => {
    leaderboards += 1
    made.set(game, (made.get(game) ?? 0) + 1)
    await sleep(SLOWNESS)
    return LEADERBOARDS.get(game)
  }

  const server = createServer((request, response) => {
    const [path, query] = (request.url ?? '').split('?')
    const route = `${request.method} ${path}`
    if (route === 'GET /contacts') return void answerTo(request, response, async () => CONTACTS)
    if (route === 'GET /leaderboard') {
      const game = new URLSearchParams(query).get('game') ?? ''
      return void answerTo(request, response, () => makeLeaderboard(game))
    }
    if (route === 'GET /_leaderboards') return answer(response, 200, { leaderboards, games: Object.fromEntries(made) })
    if (route === 'POST /_refuse') return answer(response, 200, { refused: refuseLast() })
    answer(response, 404, { error: 'not_found' })
  })
  const { url, port, close } = await listen(server, { port: options.port ?? 0 })
  return {
    url,
    port,
    get accepted() {
      return accepted
    },
    get leaderboards() {
      return leaderboards
    },
    get refused() {
      return refused
    },
    refuse: (token) => void refusedTokens.add(markOf(token)),
    refuseLast,
    close,
  }
}

/** What tells tokens apart without keeping one: a digest. */
function markOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
