import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** A certificate for `localhost`, valid until 2126, and its key. Used by tests only. */
export const CERT = `-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUMp69qK8RJ4n1/XqQjDtJWUEVLvswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTE1MjA1NVoYDzIxMjYxMDI4
MTUyMDU1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASjSHjPn4+7SEoxu2Y3fYyNf8WHmgttKavQpag3TB7eg9qwtEgLIvYF
cUvQ26TBYfiSJrDubIR5OQCctNwrfOYho2kwZzAdBgNVHQ4EFgQUBCABEdREUfI6
vqBZvEslyEWKTvMwHwYDVR0jBBgwFoAUBCABEdREUfI6vqBZvEslyEWKTvMwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIhANZF4KyATh0FLSEV99GwvFaZcFmPbaZUMCq5LNUh7sPHAiBS/oN6RyLI
p0U5mqxwlw0RY+4IQPIO7Rx5F8AEu08R+g==
-----END CERTIFICATE-----`
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYRsxXSHYB8wSFC4r
fgGFy5kAhxbSjwuGZVIawIvbG8qhRANCAASjSHjPn4+7SEoxu2Y3fYyNf8WHmgtt
KavQpag3TB7eg9qwtEgLIvYFcUvQ26TBYfiSJrDubIR5OQCctNwrfOYh
-----END PRIVATE KEY-----`

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
