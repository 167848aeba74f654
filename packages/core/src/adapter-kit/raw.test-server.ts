import { createServer, type Server, type Socket } from 'node:net'

/** A server that answers with the exact bytes, in the exact pieces, that a test names. */
export interface RawServer {
  readonly url: URL
  /** The connections, in the order in which they came. */
  readonly connections: readonly Socket[]
  /** What came on each, in the order of {@link connections}. */
  readonly received: readonly string[]
  /** Called with each piece of a request. */
  answer: (socket: Socket, piece: string) => void
  readonly close: () => Promise<void>
}

/** Starts one on this machine. */
export async function startRaw(host = '127.0.0.1'): Promise<RawServer> {
  const connections: Socket[] = []
  const received: string[] = []
  const server: Server = createServer((socket) => {
    const index = connections.push(socket) - 1
    received.push('')
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', (piece) => {
      received[index] += piece.toString()
      raw.answer(socket, piece.toString())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : ''
  const raw: RawServer = {
    url: new URL(`http://${host.includes(':') ? `[${host}]` : host}:${port}`),
    connections,
    received,
    answer: () => {},
    close: async () => {
      for (const socket of connections) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return raw
}

/** Writes pieces one after the other, each when the last has gone out. */
export async function inPieces(socket: Socket, pieces: readonly (string | Uint8Array)[]): Promise<void> {
  for (const piece of pieces) {
    await new Promise<void>((resolve) => socket.write(piece, () => setImmediate(resolve)))
  }
}
