import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { s3Store } from './index.ts'

let server: Server
let endpoint = ''
/** What each PUT is answered with, one after the other. */
let puts: number[] = []
let stored = ''

beforeEach(async () => {
  server = createServer(async (request: IncomingMessage, response) => {
    for await (const _part of request);
    if (request.method === 'PUT') return void response.writeHead(puts.shift() ?? 500).end()
    response.writeHead(200, { etag: '"e"' }).end(stored)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => new Promise((resolve) => void server.close(resolve).closeAllConnections()))

async function swapMine() {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const client = new S3Client({ endpoint, region: 'eu-central-1', credentials, forcePathStyle: true })
  const store = s3Store({ bucket: 'tokens', client })
  const expected = { body: '{}', tag: 'before', mark: '"b"' }
  const swap = { expected, body: '{}', tag: 'mine', keepUntil: Date.now() + 60_000 }
  return store.swap('k', swap, { signal: AbortSignal.timeout(30_000) })
}

it('A swap whose first attempt got no answer, and whose repeat met the write of another, is in doubt', async () => {
  puts = [503, 412]
  stored = 'of-another\n{}'
  expect(await swapMine()).toMatchObject({ outcome: 'unknown', cause: { retryable: true } })
  expect(puts).toEqual([])
})

it('A repeat that met its own write is swapped', async () => {
  puts = [503, 412]
  stored = 'mine\n{}'
  expect(await swapMine()).toMatchObject({ outcome: 'swapped' })
})

it('A swap whose only attempt met the write of another is a conflict', async () => {
  puts = [412]
  stored = 'of-another\n{}'
  expect(await swapMine()).toMatchObject({ outcome: 'conflict', seen: { image: { tag: 'of-another' } } })
})
