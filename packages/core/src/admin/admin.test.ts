import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { storeFault } from '../adapter-kit/fault.ts'
import { createCache } from '../data/cache.ts'
import { SourceUnavailableError } from '../errors.ts'
import { withLease } from '../lease/lease.ts'
import { createReport } from '../observe/report/report.ts'
import { emptyRecord, parseRecord, printRecord } from '../record/record.ts'
import { createSessions } from '../sessions/sessions.ts'
import { createTokens } from '../tokens/tokens.ts'
import { writeBehind } from '../write-behind/write-behind.ts'
import { createAdmin } from './admin.ts'
import { ARN, type Asked, createFleet, eventOf, SECRET } from './fleet.test-data.ts'

const PAGE = {
  'index.html': {
    type: 'text/html; charset=utf-8',
    text: `<!doctype html><script src="./assets/app-1a2b.js">${'x'.repeat(2_000)}`,
  },
  'assets/app-1a2b.js': { type: 'text/javascript', text: 'export {}' },
}
const NEVER = new AbortController().signal

function control(body: unknown, more: Asked = {}): Asked {
  return { method: 'POST', path: '/api/control', body, ...more }
}

describe('the admin function lists records', () => {
  it('with their state, remaining lifetime and refreshes, and shows no value', async () => {
    const fleet = createFleet()
    const handle = fleet.environment().use(fleet.source('one'))
    await handle.get()
    const { status, json, answer } = await fleet.admin()({ path: '/api/records' })
    expect(status).toBe(200)
    expect(json.records).toMatchObject([
      { key: handle.key, state: 'fresh', remaining: expect.any(Number), refreshes: [{ outcome: 'ok' }] },
    ])
    expect(json.records[0].bytes).toBeGreaterThan(100)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(JSON.stringify(answer)).not.toContain(SECRET)
  })

  it('page by page, each once, and no session, invalidation, lease or waiting write among them', async () => {
    const fleet = createFleet()
    const tokens = fleet.environment()
    const handles = Array.from({ length: 230 }, (_, n) => tokens.use(fleet.source(`source ${n}`)))
    await Promise.all(handles.map((handle) => handle.get()))
    await createSessions({ store: fleet.store }).create('ada', { note: SECRET })
    await createCache({ name: 'shop', store: fleet.store }).invalidate({ everything: true })
    await withLease({ store: fleet.store }, 'report', { length: 5_000 }, async () => {})
    await writeBehind({ store: fleet.store, name: 'views', key: 'views:{post}', apply: () => {} }).write({ post: 7 }, 1)
    const ask = fleet.admin()
    const seen: string[] = []
    let after = ''
    for (let pages = 0; pages < 10; pages += 1) {
      const { json } = await ask({ path: '/api/records', query: { after } })
      seen.push(...json.records.map(({ key }: { key: string }) => key))
      if (json.next === undefined) break
      after = json.next
    }
    expect(seen).toEqual(handles.map(({ key }) => key).sort())
    const { json } = await ask({ path: '/api/overview' })
    expect(json.keys).toEqual({
      listed: true,
      complete: true,
      foreign: 0,
      kinds: { crm: 230, session: 1, gen: 1, lease: 1, wb: 1, wbx: 1 },
      sessions: 1,
    })
  })

  it('that were handed over by name, without an inventory', async () => {
    const fleet = createFleet()
    const tokens = fleet.environment()
    const [api, other] = [tokens.use(fleet.source('api')), tokens.use(fleet.source('other'))]
    await Promise.all([api.get(), other.get()])
    const handler = createAdmin({ store: fleet.store, tokens: { api } })
    const ask = async (path: string) => JSON.parse((await handler(eventOf({ path }))).body)
    expect((await ask('/api/records')).records).toMatchObject([{ key: api.key }])
    expect(await ask('/api/overview')).toMatchObject({ names: { [api.key]: 'api' }, keys: { listed: false } })
  })

  it('and those of unknown form as unreadable, without their text', async () => {
    const fleet = createFleet()
    const key = `crm~${'d'.repeat(40)}`
    await fleet.store.swap(key, { expected: undefined, body: SECRET, tag: 't', keepUntil: 4e12 }, { signal: NEVER })
    await fleet.store.swap(SECRET, { expected: undefined, body: SECRET, tag: 't', keepUntil: 4e12 }, { signal: NEVER })
    const { json, answer } = await fleet.admin()({ path: '/api/records' })
    expect(json.records).toMatchObject([{ key, state: 'unreadable' }])
    expect(answer.body).not.toContain(SECRET)
  })

  it('with who refreshes now and until when, a cool-down, and a reject pause', async () => {
    const fleet = createFleet()
    const key = `crm~${'a'.repeat(40)}`
    const now = Date.now()
    const record = {
      ...emptyRecord(key),
      keepUntil: now + 1e9,
      lease: { nonce: '0123456789abcdef', acquiredAt: now, length: 600_000 },
      failure: { count: 3, kind: 'throttled' as const, code: 'SLOW', notBefore: now + 60_000 },
      rejectPause: { count: 2, until: now + 50_000 },
    }
    const swap = { expected: undefined, body: printRecord(record), tag: 'x', keepUntil: now + 1e9 }
    await fleet.store.swap(key, swap, { signal: NEVER })
    const { json } = await fleet.admin()({ path: '/api/records' })
    expect(json.records[0]).toMatchObject({
      notes: ['refreshing', 'cooling-down', 'reject-paused'],
      lease: { nonce: '01234567', endsAt: new Date(now + 600_000).toISOString() },
      failure: { kind: 'throttled', notBefore: new Date(now + 60_000).toISOString() },
      rejectPause: { count: 2, until: new Date(now + 50_000).toISOString() },
    })
  })
})

describe('the overview', () => {
  it('has what this environment has counted, and says nothing where nothing counts', async () => {
    const fleet = createFleet()
    const report = createReport()
    const tokens = createTokens({ store: fleet.store, directory: false, report })
    const handle = tokens.use(fleet.source('one'))
    await handle.get()
    await handle.get()
    const { json } = await fleet.admin({ report })({ path: '/api/overview' })
    expect(json.environment.all).toMatchObject({ hits: { memory: 1 }, fetches: { all: 1 } })
    expect((await fleet.admin()({ path: '/api/overview' })).json.environment).toBeUndefined()
  })

  it('has the invalidations and switches of a cache, its counts where it was handed over, and no key of a value', async () => {
    const fleet = createFleet()
    const cache = createCache({ name: 'shop', store: fleet.store })
    const project = cache.use({ key: 'project:{id}', name: 'project', fresh: 60_000, load: async () => SECRET })
    await project.get({ id: 'ada@example.com' })
    await cache.invalidate({ match: 'project:4*' })
    const { json, answer } = await fleet.admin({ caches: [{ name: 'shop', cache }, { name: 'other' }] })({
      path: '/api/overview',
    })
    expect(json.caches).toMatchObject([
      {
        name: 'shop',
        switches: { enabled: true, readOnly: false, bypass: false },
        patterns: [{ text: 'project:4*', hard: expect.any(Number), soft: 0 }],
        environment: { invalidations: 1, entries: 1, resources: { project: { loads: 1 } } },
      },
      { name: 'other', patterns: [], invalidated: { hard: 0, soft: 0 } },
    ])
    expect(answer.body).not.toContain('ada@example.com')
    expect(answer.body).not.toContain(SECRET)
  })
})

describe('access', () => {
  it('by IAM takes what IAM has let through, and nothing else, whatever its headers say', async () => {
    const ask = createFleet().admin({ page: PAGE })
    for (const path of ['/', '/api/overview', '/api/records', '/assets/app-1a2b.js'])
      expect([path, (await ask({ path })).status]).toEqual([path, 200])
    const others: readonly Asked[] = [
      { arn: null },
      { arn: '' },
      { arn: null, sourceIp: '127.0.0.1', headers: { host: 'localhost' } },
      { arn: null, headers: { authorization: 'AWS4-HMAC-SHA256 Credential=x', 'x-amzn-iam-user-arn': ARN } },
    ]
    for (const other of others)
      for (const path of ['/', '/api/overview', '/assets/app-1a2b.js'])
        expect((await ask({ ...other, path })).json).toMatchObject({ error: 'forbidden' })
  })

  it('by loopback takes this machine by its own names, and no name that was bound to it', async () => {
    const ask = createFleet().admin({ access: 'loopback' })
    const local = { arn: null, path: '/api/overview', sourceIp: '127.0.0.1' }
    for (const host of ['127.0.0.1:3000', 'localhost:3000', 'localhost', '[::1]:3000'])
      expect((await ask({ ...local, headers: { host } })).json).toMatchObject({ operator: 'local' })
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', ''])
      expect((await ask({ ...local, headers: { host } })).status).toBe(403)
    const far = { ...local, headers: { host: 'localhost' }, sourceIp: '10.0.0.1' }
    expect((await ask(far)).status).toBe(403)
    // A signature does not help: the options say what counts.
    expect((await ask({ ...far, arn: ARN })).status).toBe(403)
  })

  it('to actions is refused to other sites, other types and other methods', async () => {
    const fleet = createFleet()
    const handle = fleet.environment().use(fleet.source('one'))
    await handle.get()
    const before = fleet.keys.size
    const ask = fleet.admin({ control: true })
    const refresh = { action: 'refresh', key: handle.key }
    const refused: readonly (readonly [number, Asked])[] = [
      [403, control(refresh, { headers: { 'sec-fetch-site': 'cross-site' } })],
      [403, control(refresh, { headers: { 'sec-fetch-site': 'same-site' } })],
      [403, control(refresh, { headers: { 'sec-fetch-site': '', origin: 'https://evil.example' } })],
      [415, control(refresh, { headers: { 'content-type': 'text/plain' } })],
      [415, control(refresh, { headers: { 'content-type': 'application/x-www-form-urlencoded' } })],
      [405, control(refresh, { method: 'PUT' })],
      [405, control(refresh, { path: '/api/overview' })],
      [404, control(refresh, { method: 'GET' })],
    ]
    for (const [status, asked] of refused) expect([(await ask(asked)).status, asked]).toEqual([status, asked])
    expect(fleet.keys.size).toBe(before)
    expect(await ask(control(refresh))).toMatchObject({ status: 200, json: { outcome: 'written' } })
  })

  it('has no path above its base path, where the page finds its files with a slash at the end and without', async () => {
    const ask = createFleet().admin({ page: PAGE, basePath: '/admin' })
    for (const path of ['/admin', '/admin/'])
      expect((await ask({ path })).answer.body).toContain('<script src="/admin/assets/app-1a2b.js">')
    expect((await ask({ path: '/admin/assets/app-1a2b.js' })).answer.headers['cache-control']).toContain('immutable')
    for (const path of ['/', '/administrator', '/admin/__proto__', '/admin/constructor', '/admin/../package.json'])
      expect([path, (await ask({ path })).status]).toEqual([path, 404])
  })
})

describe('the page', () => {
  it('comes compressed, with a policy that allows no inline script and no frame', async () => {
    const ask = createFleet().admin({ page: PAGE })
    const { answer } = await ask({ headers: { 'accept-encoding': 'gzip, deflate, br' } })
    expect(gunzipSync(Buffer.from(answer.body, 'base64')).toString()).toBe(PAGE['index.html'].text)
    const policy = answer.headers['content-security-policy'] ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
  })
})

describe('actions', () => {
  it('are all refused where the function was started read-only', async () => {
    const fleet = createFleet()
    const handle = fleet.environment().use(fleet.source('one'))
    await handle.get()
    for (const action of ['refresh', 'reset', 'stop', 'switch']) {
      const { status, json } = await fleet.admin()(control({ action, key: handle.key, minutes: 5 }))
      expect([status, json.error]).toEqual([403, 'read-only'])
    }
    expect((await fleet.admin()({ path: '/api/overview' })).json.control).toBe(false)
  })

  it('make a value due: the next environment fetches, and the record says who asked and why', async () => {
    const fleet = createFleet()
    const handle = fleet.environment().use(fleet.source('one'))
    await handle.get()
    const ask = fleet.admin({ control: true })
    const asked = control({ action: 'refresh', key: handle.key, reason: 'rotated at the vendor' })
    expect((await ask(asked)).json).toEqual({ outcome: 'written' })
    await fleet.environment().use(fleet.source('one')).get({ minLifetime: 1 })
    expect(fleet.fetches()).toBe(2)
    const { refreshes } = (await ask({ path: '/api/records' })).json.records[0]
    expect(refreshes).toMatchObject([
      { outcome: 'ok' },
      { outcome: 'refresh-asked', by: `operator ${ARN}: rotated at the vendor` },
      { outcome: 'ok' },
    ])
  })

  it('stop a source for the whole fleet: what is alive is served, nothing is fetched, until it is reset', async () => {
    const fleet = createFleet()
    const handle = fleet.environment().use(fleet.source('one'))
    const first = await handle.get()
    const ask = fleet.admin({ control: true })
    await ask(control({ action: 'stop', key: handle.key, minutes: 10, reason: 'incident 7' }))
    await ask(control({ action: 'refresh', key: handle.key }))
    await ask(control({ action: 'stop', key: handle.key, minutes: 10 }))
    const other = fleet.environment().use(fleet.source('one'))
    expect((await other.get()).value).toBe(first.value)
    await expect(other.reject(await other.get())).rejects.toThrow(SourceUnavailableError)
    expect(fleet.fetches()).toBe(1)
    const { records } = (await ask({ path: '/api/records' })).json
    expect(records[0]).toMatchObject({ notes: ['stopped'], failure: { code: 'OPERATOR_STOP' } })
    expect((await ask(control({ action: 'reset', key: handle.key }))).json).toEqual({ outcome: 'written' })
    expect((await ask(control({ action: 'reset', key: handle.key }))).json).toEqual({ outcome: 'unchanged' })
    const third = fleet.environment().use(fleet.source('one'))
    expect((await third.reject(first)).value).not.toBe(first.value)
    expect(fleet.fetches()).toBe(2)
  })

  it('fence a fetch that is in progress when its source is stopped', async () => {
    const fleet = createFleet()
    const started = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    const slow = fleet.source('slow', {
      async fetch() {
        started.resolve()
        await answer.promise
        return { value: { value: SECRET, type: 'Bearer' }, lifetime: 3_600_000 }
      },
    })
    const handle = fleet.environment().use(slow)
    const got = handle.get().catch((error: Error) => error)
    await started.promise
    await fleet.admin({ control: true })(control({ action: 'stop', key: handle.key, minutes: 10 }))
    answer.resolve()
    await got
    const { image } = await fleet.store.read(handle.key, { signal: NEVER, consistent: true })
    const parsed = parseRecord(image?.body ?? '', handle.key)
    expect(parsed).toMatchObject({ record: { failure: { code: 'OPERATOR_STOP' } } })
    expect(parsed.outcome === 'record' && parsed.record.value).toBeUndefined()
  })

  it('do not stop a source whose refresh token is being spent, for its answer would be lost', async () => {
    const fleet = createFleet()
    const started = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    const rotating = fleet.source('chain', {
      exclusive: { spends: () => 'seed', afterCrash: 'stop' },
      async fetch() {
        started.resolve()
        await answer.promise
        return { value: { value: SECRET, type: 'Bearer', chain: SECRET }, lifetime: 3_600_000 }
      },
    })
    const handle = fleet.environment().use(rotating)
    const got = handle.get()
    await started.promise
    const ask = fleet.admin({ control: true })
    const refused = await ask(control({ action: 'stop', key: handle.key, minutes: 10 }))
    expect([refused.status, refused.json.message]).toEqual([409, expect.stringContaining('try again after')])
    answer.resolve()
    expect((await got).value).toBe(SECRET)
    expect((await ask(control({ action: 'stop', key: handle.key, minutes: 10 }))).status).toBe(200)
  })

  it('switch a cache off for every environment, and remember who did, five times at most', async () => {
    const fleet = createFleet()
    const member = () => createCache({ name: 'shop', store: fleet.store, recheck: 0 })
    let loads = 0
    const bind = (cache: ReturnType<typeof member>) =>
      cache.use({ key: 'project:{id}', name: 'project', fresh: 60_000, load: async () => ++loads })
    const project = bind(member())
    await project.get({ id: '1' })
    const ask = fleet.admin({ control: true, caches: [{ name: 'shop' }] })
    const off = { action: 'switch', cache: 'shop', resource: 'project', switches: { enabled: false } }
    expect((await ask(control({ ...off, reason: 'bad data' }))).json).toEqual({ outcome: 'written' })
    expect((await ask(control(off))).json).toEqual({ outcome: 'unchanged' })
    const other = bind(member())
    await other.get({ id: '1' })
    await other.get({ id: '1' })
    expect(loads).toBe(3)
    for (const bypass of [true, false, true, false, true])
      await ask(control({ action: 'switch', cache: 'shop', switches: { bypass } }))
    const [view] = (await ask({ path: '/api/overview' })).json.caches
    expect(view).toMatchObject({ sources: { project: { enabled: false } }, switches: { bypass: true } })
    expect(view.changes).toHaveLength(5)
    expect(view.changes.at(-1)).toMatchObject({ by: `operator ${ARN}`, what: 'all bypass: true' })
    // An invalidation by an environment keeps both.
    await member().invalidate({ match: 'project:9*' })
    const [after] = (await ask({ path: '/api/overview' })).json.caches
    expect(after.changes).toEqual(view.changes)
    expect(after.sources).toEqual(view.sources)
  })

  it('refuse what they cannot do, and name the field', async () => {
    const fleet = createFleet()
    const key = `crm~${'0'.repeat(40)}`
    const ask = fleet.admin({ control: true, caches: [{ name: 'shop' }] })
    const refused: readonly (readonly [number, string, unknown])[] = [
      [400, 'body', '{'],
      [400, 'body', '[]'],
      [413, 'body', { action: 'refresh', key, reason: 'x'.repeat(5_000) }],
      [400, 'action', { action: 'purge', key }],
      [400, 'key', { action: 'refresh', key: 'x' }],
      [400, 'key', { action: 'refresh', key: `${key}\n` }],
      [400, 'reason', { action: 'refresh', key, reason: '' }],
      [400, 'minutes', { action: 'stop', key }],
      [400, 'minutes', { action: 'stop', key, minutes: 1_441 }],
      [400, 'minutes', { action: 'stop', key, minutes: '5' }],
      [400, 'cache', { action: 'switch', cache: 'No', switches: { enabled: true } }],
      [404, 'cache', { action: 'switch', cache: 'other', switches: { enabled: true } }],
      [400, 'switches', { action: 'switch', cache: 'shop', switches: {} }],
      [400, 'switches', { action: 'switch', cache: 'shop', switches: { enabled: 'no' } }],
      [400, 'switches', { action: 'switch', cache: 'shop', switches: { constructor: true } }],
      [409, 'refused', { action: 'switch', cache: 'shop', resource: '__proto__', switches: { enabled: true } }],
    ]
    for (const [status, error, body] of refused) {
      const { answer, json } = await ask(control(body))
      expect([answer.statusCode, json.error, body]).toEqual([status, error, body])
    }
    expect((await ask(control({ action: 'refresh', key }))).json).toEqual({ outcome: 'unchanged' })
  })

  it('touch neither the sessions of a user nor the invalidations of a cache', async () => {
    const fleet = createFleet()
    await createSessions({ store: fleet.store }).create('ada', { note: SECRET })
    await createCache({ name: 'shop', store: fleet.store }).invalidate({ everything: true })
    const ask = fleet.admin({ control: true })
    for (const key of fleet.keys)
      for (const action of ['refresh', 'stop', 'reset'])
        expect((await ask(control({ action, key, minutes: 1 }))).status).toBe(409)
  })
})

describe('a request that is none', () => {
  it('gets an answer, never an error, and no secret in it', async () => {
    const fleet = createFleet()
    const handler = createAdmin({ store: fleet.store, inventory: fleet.inventory, control: true })
    const path = fc.oneof(fc.string(), fc.constantFrom('/api/records', '/api/control', '/api/overview'))
    const event = fc.oneof(
      fc.anything(),
      fc
        .record({ method: fc.string(), path, body: fc.oneof(fc.string(), fc.json()), after: fc.string() })
        .map(({ after, ...asked }) => eventOf({ ...asked, query: { after } })),
      fc.json().map((body) => eventOf(control(body))),
    )
    await fc.assert(
      fc.asyncProperty(event, async (one) => {
        const { statusCode } = await handler(one)
        expect(statusCode).toBeGreaterThanOrEqual(200)
        expect(statusCode).toBeLessThan(500)
      }),
      { numRuns: 300 },
    )
  })

  it('is answered by what is wrong with the store, and by no text of an unknown error', async () => {
    const fault = storeFault('DynamoDB: access denied', { code: 'STORE_DENIED', retryable: false })
    const answers = await Promise.all(
      [fault, storeFault('down', { code: 'STORE_UNAVAILABLE', retryable: true }), new Error(SECRET)].map((error) =>
        createFleet().admin({
          inventory: {
            name: 'failing',
            // biome-ignore lint/correctness/useYield: it fails before the first page.
            async *pages() {
              throw error
            },
          },
        })({ path: '/api/records' }),
      ),
    )
    expect(answers.map(({ status, json }) => [status, json.error])).toEqual([
      [403, 'STORE_DENIED'],
      [503, 'STORE_UNAVAILABLE'],
      [500, 'unexpected'],
    ])
    expect(JSON.stringify(answers)).not.toContain(SECRET)
  })
})

describe('createAdmin', () => {
  it.each([
    [{}, 'option "store" must be'],
    [{ access: 'open' }, 'option "access" must be one of iam, loopback'],
    [{ control: 'yes' }, 'option "control" must be true or false'],
    [{ basePath: 'admin' }, 'option "basePath" must be a path'],
    [{ page: {} }, 'option "page" must be files by name'],
    [{ caches: [{ name: 'Shop' }] }, 'option "name" must be'],
    [{ caches: [{ name: 'shop' }, { name: 'shop' }] }, 'two of "caches" have the same name'],
    [{ tokens: { api: 5 } }, 'option "tokens" must be handles by name'],
    [{ operator: 'ada' }, '"operator" is for access "loopback"'],
    [{ acess: 'iam' }, 'unknown option "acess"'],
  ])('refuses %j', (options, message) => {
    const { store } = createFleet()
    const given = Object.keys(options).length === 0 ? {} : { store, ...options }
    expect(() => createAdmin(given as never)).toThrow(message)
  })
})
