import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An issuer that counts. */
export interface CountingIssuer {
  readonly url: string
  /** How many calls have arrived. */
  calls(): number
  /** Resolves when so many calls have arrived. */
  called(times: number): Promise<void>
  /** How long it takes to answer, in ms; `Infinity` for never. Holds for calls that arrive from now on. */
  take(ms: number): void
  close(): Promise<void>
}

/** Starts an issuer whose tokens live for `lifetime` ms. */
export async function startCountingIssuer(lifetime: number): Promise<CountingIssuer> {
  let calls = 0
  let delay = 50
  const waiting: { readonly times: number; readonly resolve: () => void }[] = []
  const server = createServer((_request, response) => {
    calls += 1
    const answer = JSON.stringify({ value: `token-${calls}`, lifetime })
    if (delay !== Number.POSITIVE_INFINITY) setTimeout(() => response.end(answer), delay)
    for (const { times, resolve } of waiting) if (calls >= times) resolve()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    calls: () => calls,
    called: (times) =>
      new Promise((resolve) => {
        if (calls >= times) resolve()
        waiting.push({ times, resolve })
      }),
    take(ms) {
      delay = ms
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
