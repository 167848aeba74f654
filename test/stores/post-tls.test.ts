import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import { createPost } from '@warmtoken/core/adapter'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CERT, KEY } from './certificate.ts'

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
  const code = `import { createPost } from '@warmtoken/core/adapter'
    const post = createPost(new URL('https://localhost:${port}'))
    post(${JSON.stringify(REQUEST)}, AbortSignal.timeout(10_000)).then(({ text }) => console.log(text), ({ code }) => console.log(code))`
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', code], {
    cwd: import.meta.dirname,
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
