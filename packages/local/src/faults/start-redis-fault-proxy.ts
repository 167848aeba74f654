import type { ListenOptions } from '../http/listen.ts'
import { parseReply } from '../upstash/resp/parse-reply.ts'
import { startTcpFaultProxy, type TcpFaultProxy } from './start-tcp-fault-proxy.ts'

/** Options of {@link startRedisFaultProxy}. */
export interface RedisFaultProxyOptions extends ListenOptions {
  /** The port of the Redis server on this machine. */
  readonly target: number
}

/** A script, which is all that a store asks for; handshakes and what a client asks for itself pass as they are. */
const SCRIPT = /^\*\d+\r\n\$\d\r\nEVAL(SHA)?\r\n/i

/**
 * Starts a proxy in front of a Redis server that makes scripts fail: the commands EVAL and EVALSHA.
 *
 * @example
 * const proxy = await startRedisFaultProxy({ target: redis.port })
 * proxy.next({ kind: 'bytes', when: 'before', bytes: '-READONLY a replica\r\n' })
 */
export function startRedisFaultProxy(options: RedisFaultProxyOptions): Promise<TcpFaultProxy> {
  return startTcpFaultProxy({
    ...options,
    isRequest: (chunk) => SCRIPT.test(chunk.toString('latin1', 0, 40)),
    isAnswer: (bytes) => parseReply(bytes) !== undefined,
  })
}
