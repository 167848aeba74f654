import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { ReadOptions, Swap } from '@warmtoken/core/adapter'
import { parseJson } from '@warmtoken/core/adapter'
import { memoryStore } from '@warmtoken/core/memory'

/** What a client sends, a line each. */
export type LineRequest =
  | { readonly op: 'read'; readonly key: string }
  | { readonly op: 'swap'; readonly key: string; readonly swap: Swap }

/** A server of records over TCP: JSON lines, behind a password. */
export interface LineServer {
  readonly port: number
  readonly password: string
  /** Until when the record under a key is to be kept. */
  keepUntilOf(key: string): Promise<number | undefined>
  close(): Promise<void>
}

/** The clock of the server: true whatever `Date` says in this process, and with microseconds. */
function clock(): number {
  return performance.timeOrigin + performance.now()
}

/** Starts one on a free port. */
export async function startLineServer(): Promise<LineServer> {
  const password = `password-${crypto.randomUUID()}`
  const store = memoryStore({ wall: clock })
  const kept = new Map<string, number>()
  const sockets = new Set<Socket>()
  const how: ReadOptions = { signal: new AbortController().signal, consistent: true }

  const answer = async (line: string): Promise<unknown> => {
    if (line.startsWith('AUTH ')) return { ok: line === `AUTH ${password}` }
    // This test's own client sends nothing else.
    const request = parseJson(line) as LineRequest
    if (request.op === 'read') return store.read(request.key, how)
    const swapped = await store.swap(request.key, request.swap, how)
    if (swapped.outcome === 'swapped') kept.set(request.key, request.swap.keepUntil ?? Number.POSITIVE_INFINITY)
    return swapped
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    let text = ''
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const line = text.slice(0, end)
        text = text.slice(end + 1)
        void answer(line).then((given) => socket.write(`${JSON.stringify(given)}\n`))
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    password,
    keepUntilOf: async (key) => kept.get(key),
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
