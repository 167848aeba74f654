import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { CERT, KEY } from '../certificate.ts'

/** A server that speaks TLS and passes everything to another, which does not. */
export interface TlsServer {
  readonly port: number
  /** How many connections were made. */
  connections(): number
  close(): Promise<void>
}

/** Starts one whose handshake takes `delay` ms more than it must. */
export async function startTlsServer(target: number, delay: number): Promise<TlsServer> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server: Server = createServer((raw) => {
    connections += 1
    const inner = connect(target, '127.0.0.1')
    for (const socket of [raw, inner]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => raw.destroy() && inner.destroy())
    }
    // The client's first message waits in the socket.
    setTimeout(() => {
      const plain = new TLSSocket(raw, { isServer: true, cert: CERT, key: KEY })
      plain.on('error', () => undefined)
      plain.pipe(inner).pipe(plain)
    }, delay)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    port,
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
