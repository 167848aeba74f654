import { createServer, type Server } from 'node:https'
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/** A certificate of its own for `localhost`, until 2126, and its key. It guards nothing but this test. */
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

const ANSWER = JSON.stringify({ result: [1_700_000_000_000, ['there', '=tag', '=body']] })
const known = getCACertificates('default')

let server: Server
let port = 0
let requests: { readonly reused: boolean; readonly authorization: string | undefined }[] = []

beforeEach(async () => {
  requests = []
  server = createServer({ key: KEY, cert: CERT }, (request, response) => {
    const reused = (request.socket as TLSSocket).isSessionReused()
    requests.push({ reused, authorization: request.headers.authorization })
    response.setHeader('connection', 'close').end(ANSWER)
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

const how = () => ({ signal: AbortSignal.timeout(10_000), consistent: true })
const storeAt = (host: string) => upstashStore({ url: `https://${host}:${port}`, token: 'token' })

describe('the REST API over TLS', () => {
  it('is asked where the certificate is good, and the next connection resumes the session', async () => {
    setDefaultCACertificates([...known, CERT])
    const store = storeAt('localhost')
    for (let n = 0; n < 2; n += 1) expect((await store.read('key', how())).image?.tag).toBe('tag')
    expect(requests).toEqual([
      { reused: false, authorization: 'Bearer token' },
      { reused: true, authorization: 'Bearer token' },
    ])
  })

  it('is told nothing where nobody vouches for the certificate', async () => {
    await expect(storeAt('localhost').read('key', how())).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: 'Upstash: NetworkError (DEPTH_ZERO_SELF_SIGNED_CERT)',
    })
    expect(requests).toEqual([])
  })

  it('is told nothing where the certificate is for somebody else', async () => {
    setDefaultCACertificates([...known, CERT])
    await expect(storeAt('127.0.0.1').read('key', how())).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: 'Upstash: NetworkError (ERR_TLS_CERT_ALTNAME_INVALID)',
    })
    expect(requests).toEqual([])
  })
})
