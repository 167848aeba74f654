import type { Server } from 'node:http'
import type { Server as TcpServer } from 'node:net'

/** A server of this package that is listening. */
export interface LocalServer {
  /** Where it answers, e.g. `http://127.0.0.1:40123`, without a trailing slash. */
  readonly url: string
  /** The TCP port it listens on. */
  readonly port: number
  /** Stops listening and cuts every open connection; resolves when nothing is left. Safe to call twice. */
  close(): Promise<void>
}

/** Where a server listens. */
export interface ListenOptions {
  /** TCP port; 0, the default, takes a free one. Starting throws `EADDRINUSE` when another process holds it. */
  readonly port?: number
}

/** Listens on the loopback interface and resolves once connections are accepted; rejects when the port is taken. */
export async function listen(server: Server, options: ListenOptions): Promise<LocalServer> {
  // Keep-alive connections and hanging answers would otherwise hold close() back for minutes.
  return listenOn(server, options, () => server.closeAllConnections())
}

/** The same for any server; `cutAll` cuts the connections that are open. */
export async function listenOn(
  server: TcpServer,
  { port = 0 }: ListenOptions,
  cutAll: () => void = () => undefined,
): Promise<LocalServer> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
  const bound = listeningPort(server)
  let closing: Promise<void> | undefined
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    close: () => {
      closing ??= new Promise<void>((resolve) => {
        server.close(() => resolve())
        cutAll()
      })
      return closing
    },
  }
}

function listeningPort(server: TcpServer): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server is not listening on a TCP port')
  return address.port
}
