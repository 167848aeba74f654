import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ListenOptions, LocalServer } from '../http/listen.ts'
import { listen } from '../http/listen.ts'
import { BodyTooLargeError, readBody } from '../http/read-body.ts'
import { refuseMalformed } from '../http/refuse-malformed.ts'
import type { Chance, Fault, FaultCounts, FaultRule, ProxiedRequest } from './fault.ts'
import { createFaultChoice } from './fault-choice.ts'
import type { Upstream } from './forward.ts'
import { forward, forwardHalf } from './forward.ts'
import { planRule } from './plan-rule.ts'
import { reset, respond, respondHalf, respondStatus } from './respond.ts'
import { seededRandom } from './seeded-random.ts'

/** Options of {@link startFaultProxy}. */
export interface FaultProxyOptions extends ListenOptions {
  /** Where requests go, e.g. `http://127.0.0.1:8000`; only http. Starting throws for anything else. */
  readonly target: string
  /** Faults and their probabilities, or a function that decides; default none. */
  readonly plan?: readonly Chance[] | FaultRule
  /** Source of numbers in [0, 1) for the probabilities; default `seededRandom(1)`. */
  readonly random?: () => number
  /** Longest request body in bytes; longer ones get a 413. Default 16 MiB. */
  readonly maxBodyBytes?: number
}

/** A running proxy that can be programmed while it runs. */
export interface FaultProxy extends LocalServer {
  /** Queues a fault for the next request that no earlier call has claimed; it comes before every rule. */
  next(fault: Fault): void
  /** Asked in order until one names a fault; change the array at will. It begins with the plan. */
  readonly rules: FaultRule[]
  /** What was injected so far. */
  counts(): FaultCounts
}

/**
 * Starts a proxy in front of a local server that makes requests fail, each before or after they were applied.
 * Headers pass unchanged, so that requests signed for the proxy's address still verify behind it.
 *
 * @example
 * const proxy = await startFaultProxy({ target: s3.url })
 * proxy.next({ kind: 'reset', when: 'after' })
 */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { plan = [], random = seededRandom(1), maxBodyBytes = 16 * 1024 * 1024 } = options
  // One connection per request: a kept-alive one that the server drops would be a fault nobody asked for.
  const upstream = { ...parseTarget(options.target), agent: new Agent() }
  const choice = createFaultChoice<ProxiedRequest, Fault>(typeof plan === 'function' ? plan : planRule(plan, random))
  const closing = new AbortController()
  let requests = 0

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(incoming, maxBodyBytes)
    requests += 1
    const { method = 'GET', url: target = '/' } = incoming
    const request = { number: requests, method, target, headers: pairs(incoming.rawHeaders), body }
    const fault = choice.choose(request)
    if (fault?.when === 'before') await strikeBefore(fault, { upstream, request, response, signal: closing.signal })
    else await strikeAfter(fault, { upstream, request, response, signal: closing.signal })
  }

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error: unknown) => fail(response, error))
  })
  refuseMalformed(server)
  const listening = await listen(server, options)
  return {
    ...listening,
    rules: choice.rules,
    next: choice.next,
    counts: choice.counts,
    close: async () => {
      closing.abort()
      upstream.agent.destroy()
      await listening.close()
    },
  }
}

interface Exchange {
  readonly upstream: Upstream
  readonly request: ProxiedRequest
  readonly response: ServerResponse
  readonly signal: AbortSignal
}

async function strikeBefore(fault: Fault, { upstream, request, response, signal }: Exchange): Promise<void> {
  if (fault.kind === 'hang') return
  if (fault.kind === 'status') return respondStatus(response, fault)
  if (fault.kind === 'reset') return reset(response)
  if (fault.kind === 'truncate') {
    await forwardHalf(upstream, request)
    return reset(response)
  }
  if (fault.kind === 'duplicate') await forward(upstream, request)
  if (fault.kind === 'latency') await sleep(fault.ms, undefined, { signal })
  respond(response, await forward(upstream, request))
}

async function strikeAfter(fault: Fault | undefined, exchange: Exchange): Promise<void> {
  const { upstream, request, response, signal } = exchange
  const answer = await forward(upstream, request)
  if (fault?.kind === 'hang') return
  if (fault?.kind === 'status') return respondStatus(response, fault)
  if (fault?.kind === 'reset') return reset(response)
  if (fault?.kind === 'truncate') return respondHalf(response, answer)
  if (fault?.kind === 'duplicate') await forward(upstream, request)
  if (fault?.kind === 'latency') await sleep(fault.ms, undefined, { signal })
  respond(response, answer)
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy()
  const tooLarge = error instanceof BodyTooLargeError
  const reason = error instanceof Error ? error.message : 'unknown error'
  const body = tooLarge ? reason : `The server behind the fault proxy did not answer: ${reason}`
  response.writeHead(tooLarge ? 413 : 502, { 'content-type': 'text/plain' }).end(body)
}

function pairs(rawHeaders: readonly string[]): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) found.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? ''])
  return found
}

function parseTarget(target: string): { readonly host: string; readonly port: number } {
  if (!URL.canParse(target) || new URL(target).protocol !== 'http:') {
    throw new TypeError(`target must be an http URL, e.g. http://127.0.0.1:8000, not ${JSON.stringify(target)}`)
  }
  const { hostname, port } = new URL(target)
  return { host: hostname, port: Number(port || 80) }
}
