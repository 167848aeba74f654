import type { Agent, ClientRequest } from 'node:http'
import { request as httpRequest } from 'node:http'
import type { ProxiedRequest } from './fault.ts'

/** The whole answer of the server behind the proxy. */
export interface Answer {
  readonly status: number
  readonly statusMessage: string
  /** Alternating names and values, as received. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

/** Where requests go. */
export interface Upstream {
  readonly host: string
  readonly port: number
  readonly agent: Agent
}

const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** Sends a request on, header for header, and resolves to the whole answer; rejects when the connection breaks. */
export async function forward(upstream: Upstream, request: ProxiedRequest): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const outgoing = open(upstream, request)
    outgoing.on('response', (incoming) => {
      const pieces: Buffer[] = []
      let length = 0
      incoming.on('data', (piece: Buffer) => {
        length += piece.length
        pieces.push(piece)
        if (length > MAX_ANSWER_BYTES)
          incoming.destroy(new Error(`The answer is longer than ${MAX_ANSWER_BYTES} bytes`))
      })
      incoming.on('error', reject)
      incoming.on('end', () => {
        const { statusCode: status = 502, statusMessage = '', rawHeaders } = incoming
        resolve({ status, statusMessage, rawHeaders, body: Buffer.concat(pieces) })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(request.body)
  })
}

/** Sends half of a request's body and then cuts the connection; resolves when it is cut. */
export async function forwardHalf(upstream: Upstream, request: ProxiedRequest): Promise<void> {
  await new Promise<void>((resolve) => {
    const outgoing = open(upstream, request)
    outgoing.on('error', () => undefined)
    outgoing.on('close', () => resolve())
    const half = request.body.subarray(0, Math.floor(request.body.length / 2))
    // Without a body half a request is its headers, which the server would treat as a whole one: nothing is sent at all.
    if (half.length === 0) outgoing.destroy()
    else outgoing.write(half, () => outgoing.destroy())
  })
}

function open({ host, port, agent }: Upstream, { method, target, headers }: ProxiedRequest): ClientRequest {
  // An array keeps case, order and repetition of the headers, and nothing is added: signatures cover the Host header.
  return httpRequest({ host, port, agent, method, path: target, headers: headers.flat(), setHost: false })
}
