import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
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

/**
 * Starts an API on a loopback port that answers `GET /contacts` to a bearer token its issuer signed, and 401 with
 * `error="invalid_token"` to anything else. It keeps no token and prints none.
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
  const contacts = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined || !(await accepts(token))) {
      refused += 1
      // RFC 6750: a request without any token gets no error code.
      const challenge = token === undefined ? 'Bearer' : 'Bearer error="invalid_token"'
      return answer(response, 401, { error: 'invalid_token' }, { 'www-authenticate': challenge })
    }
    accepted += 1
    last = markOf(token)
    answer(response, 200, CONTACTS)
  }

  const server = createServer((request, response) => {
    const route = `${request.method} ${request.url?.split('?')[0]}`
    if (route === 'GET /contacts') return void contacts(request, response)
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
