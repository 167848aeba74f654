import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Source, Store, TokenValue } from '../contracts.ts'
import { shiftedRuntime } from '../lib/shifted-runtime.test-data.ts'
import { memoryStore } from '../stores/memory.ts'
import { createTokens } from './tokens.ts'

const HOUR = 3_600_000

/** An API whose answers are said by the test: by path, for so many times. */
interface Api {
  readonly url: string
  refuses: (path: string) => boolean
}

let server: Server
let api: Api
beforeEach(async () => {
  server = createServer(({ url = '' }, response) => {
    const refuses = api.refuses(url)
    response.statusCode = refuses ? 401 : 200
    response.end(refuses ? 'the answer of the API' : 'well')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  api = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, refuses: () => false }
})
afterEach(() => server.close())

/** A fleet over one store, with a clock that the test moves, and an issuer that counts its requests. */
function fleetOf(name: (n: number) => string, rotates = false) {
  const { runtime, advance } = shiftedRuntime()
  const store = memoryStore({ wall: runtime.wall })
  let requests = 0
  const source: Source<TokenValue> = {
    kind: 'counting',
    identity: () => 'app',
    fetch: async () => {
      requests += 1
      const value = name(requests)
      return { value: { value, type: 'Bearer', chain: requests }, lifetime: 2 * HOUR }
    },
    ...(rotates && { exclusive: { afterCrash: 'retry-once' as const, spends: (before) => `after ${before?.value}` } }),
  }
  const enter = (given: Store | undefined = store) =>
    createTokens({ directory: false, store: given, runtime }).use(source)
  return { enter, advance, requests: () => requests }
}

describe('an API that refuses once, with an issuer that repeats its token', () => {
  it('leaves nobody without a token, and the caller gets the answer of the API', async () => {
    const { enter, advance, requests } = fleetOf(() => 'same')
    const [one, other] = [enter(), enter()]
    await one.get()
    await other.get()
    let refusals = 1
    api.refuses = () => refusals-- > 0
    const refused = await one.fetch(api.url)
    expect([refused.status, refusals]).toEqual([401, 0])
    api.refuses = () => false
    // Minute by minute until a refresh is due: old and new environments have it.
    for (let minute = 0; minute < 100; minute += 1) {
      for (const handle of [one, other, enter()]) expect((await handle.get()).value).toBe('same')
      advance(60_000)
    }
    expect((await one.fetch(api.url)).status).toBe(200)
    expect(requests()).toBeLessThanOrEqual(3)
  })

  it('hands over the body of that answer unread', async () => {
    const { enter } = fleetOf(() => 'same')
    api.refuses = () => true
    expect(await (await enter().fetch(api.url)).text()).toBe('the answer of the API')
  })

  it('does so for a request whose body can be read only once', async () => {
    const { enter } = fleetOf(() => 'same')
    const handle = enter()
    api.refuses = () => true
    const body = new Blob(['once']).stream()
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    expect((await handle.fetch(api.url, init)).status).toBe(401)
  })

  it('does not disturb the calls of another endpoint', async () => {
    const { enter, advance } = fleetOf(() => 'same')
    const [one, other] = [enter(), enter()]
    api.refuses = (path) => path === '/bad'
    for (let n = 0; n < 50; n += 1) {
      expect((await one.fetch(`${api.url}/bad`)).status).toBe(401)
      expect((await other.fetch(`${api.url}/good`)).status).toBe(200)
      advance(20_000)
    }
  })
})

describe('an API that refuses every token', () => {
  it('costs at most three token requests in a minute of a hundred calls, and each caller gets its answer', async () => {
    const { enter, advance, requests } = fleetOf((n) => `token-${n}`)
    const handles = [enter(), enter(), enter(), enter()]
    api.refuses = () => true
    for (let n = 0; n < 100; n += 1) {
      const [handle] = handles.splice(0, 1)
      if (handle === undefined) throw new Error('no handle')
      handles.push(handle)
      expect((await handle.fetch(api.url)).status).toBe(401)
      advance(600)
    }
    expect(requests()).toBeLessThanOrEqual(3)
  })

  it('costs at most four an hour after the first quarter', async () => {
    const { enter, advance, requests } = fleetOf((n) => `token-${n}`)
    api.refuses = () => true
    const handle = enter()
    const inHour = async (): Promise<number> => {
      const before = requests()
      for (let n = 0; n < 360; n += 1) {
        await handle.fetch(api.url)
        advance(10_000)
      }
      return requests() - before
    }
    expect(await inHour()).toBeLessThanOrEqual(11)
    expect(await inHour()).toBeLessThanOrEqual(5)
  })

  it('exchanges a rotating refresh token twice in ten calls', async () => {
    const { enter, requests } = fleetOf((n) => `token-${n}`, true)
    const handles = [enter(), enter()]
    api.refuses = () => true
    for (let n = 0; n < 10; n += 1) expect((await (handles[n % 2] ?? enter()).fetch(api.url)).status).toBe(401)
    expect(requests()).toBe(2)
  })

  it('is bounded within one environment while the store is down', async () => {
    const { enter, requests } = fleetOf((n) => `token-${n}`)
    const gone = () => Promise.reject(new Error('down'))
    const handle = enter({ name: 'down', read: gone, swap: gone })
    api.refuses = () => true
    for (let n = 0; n < 20; n += 1) expect((await handle.fetch(api.url)).status).toBe(401)
    expect(requests()).toBe(2)
  })
})

describe('a token that was refused long after the last refusal', () => {
  it('is replaced at once', async () => {
    const { enter, advance, requests } = fleetOf((n) => `token-${n}`)
    const handle = enter()
    for (let n = 1; n <= 4; n += 1) {
      expect((await handle.reject(await handle.get())).value).toBe(`token-${n + 1}`)
      advance(HOUR / 2)
    }
    expect(requests()).toBe(5)
  })
})

describe('reject', () => {
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'warmtoken-refusals-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it('returns no older token from the file', async () => {
    const { runtime, advance } = shiftedRuntime()
    const store = memoryStore({ wall: runtime.wall })
    let given = 0
    const source: Source<TokenValue> = {
      kind: 'counting',
      identity: () => 'app',
      fetch: async () => ({ value: { value: `token-${++given}`, type: 'Bearer' }, lifetime: HOUR }),
    }
    const withFile = createTokens({ directory, store, runtime }).use(source)
    const old = await withFile.get()
    advance(1_000)
    // Another environment replaces it; this one holds the new token and the file of the one before.
    const newer = await createTokens({ directory: false, store, runtime }).use(source).reject(old)
    advance(31_000)
    const process = createTokens({ directory, store, runtime }).use(source)
    expect((await process.reject(newer)).value).toBe('token-3')
  })
})
