import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPost } from './post.ts'

/** A certificate for `localhost`, valid until 2126, and its key. Used by this test only. */
const CERT = `-----BEGIN CERTIFICATE-----
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

const known = getCACertificates('default')

let server: Server
let port = 0
let requests: { readonly reused: boolean; readonly name: unknown }[] = []

beforeEach(async () => {
  requests = []
  server = createServer({ key: KEY, cert: CERT }, (request, response) => {
    const socket = request.socket as TLSSocket & { readonly servername?: unknown }
    requests.push({ reused: socket.isSessionReused(), name: socket.servername })
    response.setHeader('connection', 'close').end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  port = typeof address === 'object' ? (address?.port ?? 0) : 0
})
afterEach(async () => {
  setDefaultCACertificates(known)
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
})

const REQUEST = { headers: {}, body: '' } as const
function clientOf(host: string) {
  const post = createPost(new URL(`https://${host}:${port}`))
  return () => post(REQUEST, AbortSignal.timeout(10_000))
}

describe('a connection over TLS', () => {
  it('is made when the certificate is good, and the next one resumes its session', async () => {
    setDefaultCACertificates([...known, CERT])
    const post = clientOf('localhost')
    for (let n = 0; n < 2; n += 1) expect((await post()).text).toBe('ok')
    expect(requests).toEqual([
      { reused: false, name: 'localhost' },
      { reused: true, name: 'localhost' },
    ])
  })

  it('that broke off in its handshake does not keep the next one from being made', async () => {
    setDefaultCACertificates([...known, CERT])
    const post = clientOf('localhost')
    await post()
    server.prependOnceListener('connection', (socket: Socket) => void socket.destroy())
    await expect(post()).rejects.toMatchObject({ name: 'NetworkError' })
    expect((await post()).text).toBe('ok')
  })

  it('is refused when the certificate is not trusted, and nothing is sent', async () => {
    const code = 'DEPTH_ZERO_SELF_SIGNED_CERT'
    await expect(clientOf('localhost')()).rejects.toMatchObject({ name: 'NetworkError', code })
    expect(requests).toEqual([])
  })

  it('is refused when the certificate is for another host, and nothing is sent', async () => {
    setDefaultCACertificates([...known, CERT])
    const code = 'ERR_TLS_CERT_ALTNAME_INVALID'
    await expect(clientOf('127.0.0.1')()).rejects.toMatchObject({ name: 'NetworkError', code })
    expect(requests).toEqual([])
  })

  it('trusts the certificates in NODE_EXTRA_CA_CERTS', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'warmtoken-tls-'))
    try {
      const file = join(folder, 'ca.pem')
      writeFileSync(file, CERT)
      expect(await askInProcess({ NODE_EXTRA_CA_CERTS: file })).toBe('ok')
      expect(await askInProcess({})).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

/** Sends a request in a new process; resolves to the answer or to the code of the error. */
async function askInProcess(env: Record<string, string>): Promise<string> {
  const index = fileURLToPath(new URL('./post.ts', import.meta.url))
  const code = `import { createPost } from ${JSON.stringify(index)}
    const post = createPost(new URL('https://localhost:${port}'))
    post(${JSON.stringify(REQUEST)}, AbortSignal.timeout(10_000)).then(({ text }) => console.log(text), ({ code }) => console.log(code))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let said = ''
  child.stdout.on('data', (piece: Buffer) => {
    said += piece.toString()
  })
  await once(child, 'close')
  return said.trim()
}
