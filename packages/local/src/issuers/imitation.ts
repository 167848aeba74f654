import { createServer, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ListenOptions, type LocalServer, listen } from '../http/listen.ts'
import { readBody } from '../http/read-body.ts'

/** The largest request that an imitation reads, in bytes. */
const MAX_REQUEST = 256 * 1024

/** A request to an imitation. */
export interface ImitatedRequest {
  readonly method: string
  /** The path, decoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  /** The body as text. */
  readonly body: string
  /** The body as a JSON object; an empty one when it is none. */
  readonly json: { readonly [name: string]: unknown }
}

/** What an imitation answers. */
export interface ImitatedAnswer {
  /** Default 200. */
  readonly status?: number
  readonly headers?: { readonly [name: string]: string }
  /** Sent as JSON, a text as it is. */
  readonly body: unknown
}

/** What every imitation of an issuer takes. */
export interface ImitationOptions extends ListenOptions {
  /** How long each answer takes, in ms. Default 0. */
  readonly delay?: number
}

/** A running imitation: what a test can ask of it and do to it. */
export interface Imitation extends LocalServer {
  /** Token requests so far, the refused and failed ones too. */
  readonly requests: number
  /** The issuer's clock, in ms since 1970. */
  now(): number
  /** Moves the issuer's clock, in ms: tokens age, quotas refill. */
  advance(ms: number): void
  /** The next `times` token requests get this answer instead; default one. `'hang'` never answers. */
  failNext(answer: ImitatedAnswer | 'hang', times?: number): void
  /** How long each answer takes from now on, in ms. */
  setDelay(ms: number): void
}

/** Answers one request; `undefined` for a path that the issuer does not have. */
export type Answering = (request: ImitatedRequest, now: number) => ImitatedAnswer | undefined

/** Starts an imitation. `isTokenRequest` says which requests are counted and can be made to fail. */
export async function startImitation(
  options: ImitationOptions,
  isTokenRequest: (request: ImitatedRequest) => boolean,
  answering: Answering,
): Promise<Imitation> {
  let requests = 0
  let ahead = 0
  let delay = options.delay ?? 0
  const failures: (ImitatedAnswer | 'hang')[] = []
  const now = (): number => Date.now() + ahead

  const answer = async (request: ImitatedRequest): Promise<ImitatedAnswer | 'hang'> => {
    const counted = isTokenRequest(request)
    if (counted) requests += 1
    const failure = counted ? failures.shift() : undefined
    if (delay > 0) await sleep(delay)
    return failure ?? answering(request, now()) ?? { status: 404, body: { error: 'not found' } }
  }

  const server = createServer(async (incoming, response) => {
    try {
      const given = await answer(await parse(incoming))
      if (given === 'hang') return
      const text = typeof given.body === 'string' ? given.body : JSON.stringify(given.body)
      response.writeHead(given.status ?? 200, {
        date: new Date(now()).toUTCString(),
        'content-type': 'application/json; charset=utf-8',
        ...given.headers,
      })
      response.end(text)
    } catch {
      // The client went away, or sent too much.
      response.destroy()
    }
  })
  const listening = await listen(server, options)
  return {
    ...listening,
    get requests() {
      return requests
    },
    now,
    advance(ms) {
      ahead += ms
    },
    failNext(failure, times = 1) {
      for (let i = 0; i < times; i += 1) failures.push(failure)
    },
    setDelay(ms) {
      delay = ms
    },
  }
}

/** An imitation with more to it. By descriptors, for a spread would freeze what is counted at its first value. */
export function extend<T extends Imitation>(imitation: Imitation, more: Omit<T, keyof Imitation>): T {
  return Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(imitation),
      ...Object.getOwnPropertyDescriptors(more),
    },
  ) as T
}

async function parse(incoming: IncomingMessage): Promise<ImitatedRequest> {
  const url = new URL(incoming.url ?? '/', 'http://imitation')
  const body = (await readBody(incoming, MAX_REQUEST)).toString('utf8')
  return {
    method: incoming.method ?? 'GET',
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers: incoming.headers,
    body,
    json: jsonObject(body),
  }
}

function jsonObject(text: string): { readonly [name: string]: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
  } catch {
    return {}
  }
}
