import { connect, createServer, type Socket } from 'node:net'
import { type ListenOptions, type LocalServer, listenOn } from '../http/listen.ts'
import type { Fault, FaultCounts, FaultMoment } from './fault.ts'
import { createFaultChoice } from './fault-choice.ts'

/**
 * One thing that goes wrong with one request on a connection: as on HTTP, but that an answer of another kind is given in
 * bytes, because only you know the protocol.
 */
export type TcpFault =
  | Exclude<Fault, { readonly kind: 'status' }>
  /** These bytes are the answer: instead of the request (before), or of the true answer (after). */
  | { readonly kind: 'bytes'; readonly when: FaultMoment; readonly bytes: string | Uint8Array }

/** What a rule is shown of a request. */
export interface TcpRequest {
  /** Counts the requests since the proxy started, from 1. */
  readonly number: number
  /** The bytes, as they came in one piece. */
  readonly chunk: Buffer
}

/** Decides about one request: the fault to inject, or undefined for none. */
export type TcpFaultRule = (request: TcpRequest) => TcpFault | undefined

/** Options of {@link startTcpFaultProxy}. */
export interface TcpFaultProxyOptions extends ListenOptions {
  /** The port of the server on this machine. */
  readonly target: number
  /**
   * Whether these bytes from the client begin a request that faults may strike. Return false for a handshake (`HELLO`,
   * `AUTH`, a startup message) and for the rest of a request that came in several pieces: they pass as they are.
   */
  readonly isRequest: (chunk: Buffer) => boolean
  /** Whether these bytes from the server, since the request, are its whole answer. Default: any are. */
  readonly isAnswer?: (bytes: Buffer) => boolean
}

/** A running proxy that can be programmed while it runs. */
export interface TcpFaultProxy extends LocalServer {
  /** Queues a fault for the next request that no earlier call has claimed; it comes before every rule. */
  next(fault: TcpFault): void
  /** Asked in order until one names a fault; change the array at will. */
  readonly rules: TcpFaultRule[]
  /** What was injected so far. */
  counts(): FaultCounts
  /** How many connections of clients are open. */
  connections(): number
  /**
   * Breaks every open connection: `reset` cuts it; `silence` keeps it open and passes nothing any more, as when an
   * environment was frozen for longer than the network remembers a connection. New connections work.
   */
  breakConnections(how: 'reset' | 'silence'): void
}

/** A client's connection and the one to the server that belongs to it. */
interface Pair {
  readonly client: Socket
  readonly server: Socket
  /** Nothing passes any more. */
  silent: boolean
  /** Takes what the server sends, instead of the client. */
  capture: ((bytes: Buffer) => void) | undefined
}

/**
 * Starts a proxy in front of a local server that speaks a protocol of its own over TCP, and makes requests fail. It
 * handles one request of a connection at a time: pipelined requests in one piece count as one.
 *
 * @example
 * const proxy = await startTcpFaultProxy({ target: redis.port, isRequest: (chunk) => chunk.includes('EVALSHA') })
 * proxy.next({ kind: 'reset', when: 'after' })
 * proxy.next({ kind: 'bytes', when: 'before', bytes: '-NOPERM not allowed\r\n' })
 */
export async function startTcpFaultProxy(options: TcpFaultProxyOptions): Promise<TcpFaultProxy> {
  const { target, isRequest, isAnswer = () => true } = options
  const choice = createFaultChoice<TcpRequest, TcpFault>()
  const pairs = new Set<Pair>()
  let requests = 0

  const server = createServer((client) => {
    const pair: Pair = { client, server: connect(target, '127.0.0.1'), silent: false, capture: undefined }
    pairs.add(pair)
    const end = (): void => {
      pairs.delete(pair)
      client.destroy()
      pair.server.destroy()
    }
    for (const socket of [client, pair.server]) socket.on('error', end).on('close', end)
    pair.server.on('data', (bytes: Buffer) => {
      if (pair.silent) return
      if (pair.capture === undefined) client.write(bytes)
      else pair.capture(bytes)
    })
    client.on('data', (chunk: Buffer) => {
      if (pair.silent) return
      if (!isRequest(chunk)) return void pair.server.write(chunk)
      requests += 1
      strike(pair, choice.choose({ number: requests, chunk }), { chunk, isAnswer })
    })
  })
  const listening = await listenOn(server, options)

  return {
    url: `tcp://127.0.0.1:${listening.port}`,
    port: listening.port,
    rules: choice.rules,
    next: choice.next,
    counts: choice.counts,
    connections: () => pairs.size,
    breakConnections(how) {
      for (const pair of pairs) {
        if (how === 'silence') pair.silent = true
        else cut(pair)
      }
    },
    async close() {
      for (const pair of pairs) cut(pair)
      await listening.close()
    },
  }
}

interface Exchange {
  readonly chunk: Buffer
  readonly isAnswer: (bytes: Buffer) => boolean
}

function strike(pair: Pair, fault: TcpFault | undefined, exchange: Exchange): void {
  if (fault === undefined) pair.server.write(exchange.chunk)
  else if (fault.when === 'before') strikeBefore(pair, fault, exchange)
  else answered(pair, exchange, (answer) => strikeAfter(pair, fault, { ...exchange, answer }))
}

/** Does what is the same at both moments. False for the other faults. */
function strikeAlike(pair: Pair, fault: TcpFault): boolean {
  if (fault.kind === 'reset') cut(pair)
  else if (fault.kind === 'hang') pair.silent = true
  else if (fault.kind === 'bytes') pair.client.write(fault.bytes)
  else return false
  return true
}

function strikeBefore(pair: Pair, fault: TcpFault, exchange: Exchange): void {
  if (strikeAlike(pair, fault)) return
  const { server } = pair
  const { chunk } = exchange
  if (fault.kind === 'latency') setTimeout(() => server.write(chunk), fault.ms)
  else if (fault.kind === 'truncate') server.write(firstHalf(chunk), () => cut(pair))
  // The copy goes ahead, and its answer is dropped.
  else answered(pair, exchange, () => server.write(chunk))
}

function strikeAfter(pair: Pair, fault: TcpFault, exchange: Exchange & { readonly answer: Buffer }): void {
  if (strikeAlike(pair, fault)) return
  const { client } = pair
  const { answer } = exchange
  if (fault.kind === 'latency') setTimeout(() => client.write(answer), fault.ms)
  else if (fault.kind === 'truncate') client.write(firstHalf(answer), () => cut(pair))
  else {
    client.write(answer)
    // The copy follows, and its answer is dropped.
    answered(pair, exchange, () => undefined)
  }
}

function firstHalf(bytes: Buffer): Buffer {
  return bytes.subarray(0, Math.floor(bytes.length / 2))
}

/** Sends a request on and hands over its whole answer, which the client does not see. */
function answered(pair: Pair, { chunk, isAnswer }: Exchange, then: (answer: Buffer) => void): void {
  const pieces: Buffer[] = []
  pair.capture = (bytes) => {
    pieces.push(bytes)
    const answer = Buffer.concat(pieces)
    if (!isAnswer(answer)) return
    pair.capture = undefined
    then(answer)
  }
  pair.server.write(chunk)
}

/** Cuts a connection so that the client sees ECONNRESET, as from a broken network. */
function cut({ client, server }: Pair): void {
  client.resetAndDestroy()
  server.destroy()
}
