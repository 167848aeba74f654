import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** An issuer over HTTP that remembers who asked. */
export interface CountingIssuer {
  readonly url: string
  /** The nonce of each call, in the order received. */
  readonly nonces: readonly string[]
  close(): Promise<void>
}

/** Starts an issuer that takes `delay()` ms to answer. The life of a token is what the request asks for. */
export async function startCountingIssuer(delay: () => number): Promise<CountingIssuer> {
  const nonces: string[] = []
  const server = createServer(async (request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://issuer')
    const number = nonces.push(searchParams.get('nonce') ?? '')
    await sleep(delay())
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ value: `token-${number}`, lifetime: Number(searchParams.get('lifetime')) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    nonces,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
