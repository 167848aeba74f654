import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { ensureBuilt } from '@warmtoken/console-app/build'
import { createAdmin } from '@warmtoken/core/admin'
import { parseRecord } from '@warmtoken/core/record'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultOf, readClaim } from '../rehearsal/cloud/signature.ts'
import { type Fleet, SECRET, startFleet } from './fleet.ts'
import { LOCAL_AWS, run, start } from './run.ts'

const NEVER = new AbortController().signal
/** The credentials of `LOCAL_AWS`, as the other side knows them. */
const KEYS = { accessKeyId: 'local', secretAccessKey: 'local-secret' }

let fleet: Fleet
let key = ''
beforeAll(async () => {
  await ensureBuilt()
  fleet = await startFleet()
  key = await fleet.fetch('shown')
})
afterAll(() => fleet?.server.close())

type Refusal = readonly [args: readonly string[], code: number, message: string]

/** The command, once it serves. */
async function serve(...args: readonly string[]) {
  const child = start(['console', ...args, '--port', '0', '--json'])
  let out = ''
  let err = ''
  child.stderr.on('data', (piece: Buffer) => {
    err += piece.toString()
  })
  const closed = once(child, 'close')
  await Promise.race([
    closed.then(() => {
      throw new Error(`it ended: ${err}`)
    }),
    (async () => {
      for await (const piece of child.stdout as AsyncIterable<Buffer>) {
        out += piece.toString()
        if (out.includes('\n')) return
      }
    })(),
  ])
  const { url } = JSON.parse(out) as { url: string }
  return {
    url,
    act: (body: object) =>
      fetch(`${url}api/control`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
        body: JSON.stringify(body),
      }),
    async end() {
      child.kill('SIGINT')
      const [code] = (await closed) as [number | null]
      return code
    },
  }
}

describe('warmtoken console', () => {
  it('serves the page over a table, with no value in it, read-only, until Ctrl-C', async () => {
    const { url, act, end } = await serve(...fleet.place, '--cache', 'boards')
    const html = await (await fetch(url)).text()
    const [, script = ''] = /src="\.\/(assets\/[^"]+\.js)"/.exec(html) ?? []
    expect((await fetch(url + script)).headers.get('content-type')).toContain('text/javascript')
    const records = await (await fetch(`${url}api/records`)).text()
    expect(JSON.parse(records)).toMatchObject({ records: [{ key, state: 'fresh' }] })
    expect(records).not.toContain(SECRET)
    const overview = await (await fetch(`${url}api/overview`)).json()
    expect(overview).toMatchObject({ control: false, caches: [{ name: 'boards' }], keys: { kinds: { lab: 1 } } })
    expect((await act({ action: 'refresh', key })).status).toBe(403)
    expect(await end()).toBe(1)
  })

  it('takes actions with --control in the name of the user, and no request by another name of this machine', async () => {
    const { url, act, end } = await serve(...fleet.place, '--control')
    expect(await (await act({ action: 'stop', key, minutes: 5, reason: 'ticket 7' })).json()).toEqual({
      outcome: 'written',
    })
    const { image } = await fleet.store.read(key, { signal: NEVER, consistent: true })
    const parsed = parseRecord(image?.body ?? '', key)
    expect(parsed.outcome === 'record' && parsed.record.refreshes.at(-1)?.[1]).toMatch(/^operator \S+: ticket 7$/)
    const [answer] = await once(get(`${url}api/overview`, { headers: { host: 'evil.example' } }), 'response')
    expect((answer as { statusCode?: number }).statusCode).toBe(403)
    answer.resume()
    expect((await act({ action: 'reset', key, reason: 'x'.repeat(20_000) })).status).toBe(413)
    await end()
  })

  it('signs requests to a deployed function, which sees who asks, and forwards where they came from', async () => {
    const { page } = await import('@warmtoken/console')
    const admin = createAdmin({
      store: fleet.store,
      tokens: { shown: { key } },
      page,
      control: true,
      basePath: '/admin',
    })
    const faults: (string | undefined)[] = []
    const services = new Set<string | undefined>()
    const server = createServer(async (request, response) => {
      const pieces: Buffer[] = []
      for await (const piece of request) pieces.push(piece as Buffer)
      const body = Buffer.concat(pieces)
      const headers = new Map(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      const signed = { method: request.method ?? '', target: request.url ?? '', headers, body }
      faults.push(faultOf(signed, KEYS))
      services.add(readClaim(signed)?.service)
      const url = new URL(request.url ?? '/', 'http://local')
      const answer = await admin({
        rawPath: url.pathname,
        queryStringParameters: Object.fromEntries(url.searchParams),
        headers: request.headers,
        requestContext: {
          http: { method: request.method },
          authorizer: { iam: { userArn: 'arn:aws:iam::123456789012:user/ada' } },
        },
        body: body.toString(),
      })
      response.writeHead(answer.statusCode, answer.headers)
      response.end(answer.isBase64Encoded ? Buffer.from(answer.body, 'base64') : answer.body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const { url, act, end } = await serve('--url', `http://127.0.0.1:${port}/admin`, '--region', 'eu-central-1')
    const html = await (await fetch(url)).text()
    const [, script = ''] = /src="\/(admin\/assets\/[^"]+\.js)"/.exec(html) ?? []
    expect((await fetch(url + script)).status).toBe(200)
    expect(await (await fetch(`${url}admin/api/overview`)).json()).toMatchObject({
      operator: 'arn:aws:iam::123456789012:user/ada',
    })
    const after = new URLSearchParams({ after: 'a b~c/d' })
    expect((await fetch(`${url}api/records?${after}`)).status).toBe(200)
    expect(await (await act({ action: 'refresh', key })).json()).toEqual({ outcome: 'written' })
    const forged = await fetch(`${url}api/control`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' },
      body: JSON.stringify({ action: 'refresh', key }),
    })
    expect(forged.status).toBe(403)
    expect(faults.length).toBeGreaterThan(5)
    expect(faults.filter((one) => one !== undefined)).toEqual([])
    expect([...services]).toEqual(['lambda'])
    await end()
    server.closeAllConnections()
    server.close()
  })

  it.each<Refusal>([
    [[], 2, 'name one store'],
    [['--table', 'tokens', '--port', '70000'], 2, 'from 0 to 65535'],
    [['--table', 'tokens', '--cache', 'No!'], 2, 'the "name" of createCache'],
    ...[
      ['--table', 'tokens'],
      ['--redis', 'rediss://cache.example.com:6379'],
      ['--function', 'api'],
      ['--stage', 'prod'],
      ['--endpoint', 'http://127.0.0.1:8000'],
      ['--cache', 'boards'],
      ['--control'],
    ].map(([option = '', ...values]): Refusal => {
      const args = ['--url', 'https://abc.lambda-url.eu-central-1.on.aws', option, ...values]
      return [args, 2, `--url cannot be combined with ${option}: the deployed function decides`]
    }),
    [['--url', 'http://admin.example.com'], 2, 'must be the https address'],
    [['--url', 'https://admin.example.com'], 2, 'requires --region'],
  ])('refuses %j', async (args, code, message) => {
    const ended = await run(['console', ...args])
    expect([ended.code, ended.out]).toEqual([code, ''])
    expect(ended.err).toContain(message)
  })

  it('says that its port is in use', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const { code, err } = await run(['console', ...fleet.place, '--port', String(port)], { env: LOCAL_AWS })
    expect([code, err]).toEqual([1, expect.stringContaining(`port ${port} is in use; name another by --port`)])
    server.close()
  })
})
