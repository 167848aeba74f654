import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { S3Client } from '@aws-sdk/client-s3'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import type { Image, Store } from '@warmtoken/core/adapter'
import { hash } from '@warmtoken/core/collections'
import { createCache } from '@warmtoken/core/data'
import { ticketInbox } from '@warmtoken/core/feishu'
import { emptyRecord, parseRecord, printRecord } from '@warmtoken/core/record'
import { aesGcm } from '@warmtoken/core/seal'
import { createSessions } from '@warmtoken/core/sessions'
import { writeBehind } from '@warmtoken/core/write-behind'
import { LOCAL_CREDENTIALS, seededRandom, startS3 } from '@warmtoken/local'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Fleet, SECRET, startFleet } from './fleet.ts'
import { startPlanted } from './planted.ts'
import { run, start } from './run.ts'

const NEVER = new AbortController().signal
const KEYS = { k1: randomBytes(32).toString('base64'), k2: randomBytes(32).toString('base64') }
const before = aesGcm({ ring: { current: 'k1', keys: { k1: KEYS.k1 } } })
const both = aesGcm({ ring: { current: 'k2', keys: KEYS } })
const after = aesGcm({ ring: { current: 'k2', keys: { k2: KEYS.k2 } } })

let fleet: Fleet
let folder = ''
beforeEach(async () => {
  fleet = await startFleet()
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-rotate-'))
  writeFileSync(join(folder, 'ring.json'), JSON.stringify({ current: 'k2', keys: KEYS }))
})
afterEach(async () => {
  await fleet.server.close()
  rmSync(folder, { recursive: true })
})

function rotate(): readonly string[] {
  return ['rotate-key', ...fleet.place, '--ring', 'ring.json', '--cursor', 'cursor.json', '--json']
}

function nameOf(index: number): string {
  return `lab~${index.toString(16).padStart(40, '0')}`
}

async function write(store: Store, key: string, body: string, expected?: Image): Promise<void> {
  const keepUntil = Date.now() + 1e9
  const swapped = await store.swap(
    key,
    { expected, body, tag: `t-${key}-${expected?.tag ?? ''}`, keepUntil },
    { signal: NEVER },
  )
  if (swapped.outcome !== 'swapped') throw new Error('the record is there already')
}

async function sealedRecord(key: string): Promise<string> {
  const now = Date.now()
  const sealed = await before.seal(JSON.stringify({ value: `${SECRET} ${key}`, type: 'Bearer' }), key)
  const instants = { issuedAt: now, softExpiry: now + 3e6, hardExpiry: now + 3.6e6 }
  const value = { sealed, version: now, publisher: 'p', fingerprint: 'f', ...instants }
  return printRecord({ ...emptyRecord(key), keepUntil: now + 1e9, value })
}

/** The text of the value under a key, opened by this codec. */
async function textOf(key: string, codec: typeof both): Promise<string> {
  const { image } = await fleet.store.read(key, { signal: NEVER, consistent: true })
  const body = image?.body ?? ''
  if (key.startsWith('body~')) return codec.open(body, key)
  if (key.startsWith('wb~')) return textOfJournal(key, body, codec)
  const parsed = parseRecord(body, key)
  if (parsed.outcome !== 'record' || parsed.record.value === undefined) throw new Error(`${key} has no value`)
  return codec.open(parsed.record.value.sealed, key)
}

async function textOfJournal(key: string, body: string, codec: typeof both): Promise<string> {
  const { queue, latest } = JSON.parse(body) as {
    queue: [number, string, number, number, string][]
    latest: { id: string; sealed: string }
  }
  const sealed = [...queue.map(([, id, , , text]) => [id, text] as const), [latest.id, latest.sealed] as const]
  const texts = await Promise.all(sealed.map(([id, text]) => codec.open(text, `${key} ${id}`)))
  expect(new Set(texts).size).toBe(1)
  return texts[0] ?? ''
}

/** Records of each kind in turn, in the number that makes a walk of many pages. */
async function writeMixed(count: number): Promise<readonly string[]> {
  const keys = Array.from({ length: count }, (_, index) => {
    const digits = index.toString(16)
    if (index % 4 === 1) return `body~${digits.padStart(32, '0')}`
    return `${index % 4 === 2 ? 'wb' : 'lab'}~${digits.padStart(40, '0')}`
  })
  await eachInParts(count, async (index) => {
    const key = keys[index] ?? ''
    await write(fleet.store, key, await recordOf(key))
  })
  return keys
}

async function recordOf(key: string): Promise<string> {
  const text = `${SECRET} ${key}`
  if (key.startsWith('body~')) return before.seal(text, key)
  if (!key.startsWith('wb~')) return sealedRecord(key)
  const now = Date.now()
  const queue = ['b', 'c'].map(async (id, index) => [now + index, id, now, 1, await before.seal(text, `${key} ${id}`)])
  const latest = { n: now - 1, id: 'a', sealed: await before.seal(text, `${key} a`) }
  const numbers = { last: now + 1, done: now - 1, fixed: now - 1, floor: 0 }
  return JSON.stringify({
    schema: 1,
    key,
    params: {},
    ...numbers,
    recent: [],
    queue: await Promise.all(queue),
    aside: [],
    latest,
  })
}

async function eachInParts(count: number, call: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += 50) {
    await Promise.all(Array.from({ length: Math.min(50, count - from) }, (_, index) => call(from + index)))
  }
}

describe('warmtoken rotate-key', () => {
  const COUNT = process.env['WARMTOKEN_LONG'] === undefined ? 1_000 : 10_000

  it(`keeps each of ${COUNT} values, bodies and journals readable at every moment, and ends in spite of kills at random`, async () => {
    const KILLS = 5
    const random = seededRandom(18)
    const keys = await writeMixed(COUNT)

    let isRotating = true
    let reads = 0
    const reader = (async () => {
      while (isRotating) {
        const key = keys[Math.floor(random() * COUNT)] ?? ''
        expect(await textOf(key, both)).toContain(`${SECRET} ${key}`)
        reads += 1
        await turn()
      }
    })()
    const server = await startPlanted(fleet.server.url)
    const command = rotate().map((argument) => (argument === fleet.server.url ? server.url : argument))
    for (let kill = 1; kill <= KILLS; kill += 1) {
      // Wherever the process is then, between the read of one record and the write of another.
      const target = server.planted.writes + 1 + Math.floor((random() * COUNT) / (KILLS + 1))
      const child = start(command, { cwd: folder })
      const closed = once(child, 'close')
      while (server.planted.writes < target && child.exitCode === null) await turn()
      child.kill('SIGKILL')
      await closed
      expect(child.signalCode).toBe('SIGKILL')
    }
    await server.close()
    const { code, out, err } = await run(rotate(), { cwd: folder })
    isRotating = false
    await reader
    expect([code, err]).toEqual([0, expect.stringMatching(/^(Resuming an earlier run.*\n)?$/)])
    expect(JSON.parse(out)).toMatchObject({ skipped: 0 })
    expect(reads).toBeGreaterThan(100)
    expect(existsSync(join(folder, 'cursor.json'))).toBe(false)
    await eachInParts(COUNT, async (index) => {
      expect(await textOf(keys[index] ?? '', after)).toContain(SECRET)
    })
  }, 600_000)

  it('says on Ctrl-C how to go on, and goes on there', async () => {
    const COUNT = 1_100
    await eachInParts(COUNT, async (index) => write(fleet.store, nameOf(index), await sealedRecord(nameOf(index))))
    const server = await startPlanted(fleet.server.url)
    // Writes near the end, on the last page, are in progress when the signal comes.
    const { promise: until, resolve: goOn } = Promise.withResolvers<void>()
    server.planted.held = { after: COUNT - 40, until }
    const command = rotate().map((argument) => (argument === fleet.server.url ? server.url : argument))
    const child = start(command, { cwd: folder })
    const closed = once(child, 'close')
    let err = ''
    child.stderr.on('data', (piece: Buffer) => {
      err += piece.toString()
    })
    while (server.planted.writes <= COUNT - 40 && child.exitCode === null) await turn()
    expect(existsSync(join(folder, 'cursor.json'))).toBe(true)
    child.kill('SIGINT')
    goOn()
    await closed
    await server.close()
    expect([child.exitCode, err]).toEqual([1, 'warmtoken: stopped; run the same command again to go on\n'])
    const { code, out } = await run(rotate(), { cwd: folder })
    const { resealed, current, skipped } = JSON.parse(out)
    // What was sealed in the page that was cut off is current in the second run.
    expect([code, resealed + current, skipped]).toEqual([0, COUNT, 0])
  }, 300_000)

  it('seals sessions again, whose tokens then verify with the new key alone', async () => {
    const old = createSessions({ store: fleet.store, codec: before })
    const { token } = await old.create('ada', { device: 'laptop' })
    const { code, out } = await run(rotate(), { cwd: folder })
    expect([code, JSON.parse(out)]).toMatchObject([0, { resealed: 1, skipped: 0 }])
    const now = createSessions({ store: fleet.store, codec: after })
    expect(await now.verify(token.value)).toMatchObject({ userId: 'ada' })
  })

  it('seals values of a cache again, and leaves its invalidations as they are', async () => {
    const load = async (): Promise<string> => SECRET
    const cacheWith = (codec: typeof both) =>
      createCache({ name: 'shop', store: fleet.store, codec }).use({ key: 'project:{id}', fresh: 600_000, load })
    const old = createCache({ name: 'shop', store: fleet.store, codec: before })
    await old.invalidate({ tags: ['x'] })
    await cacheWith(before).get({ id: '42' })
    const { code, out } = await run(rotate(), { cwd: folder })
    expect([code, JSON.parse(out)]).toMatchObject([0, { resealed: 1, skipped: 0 }])
    const inspected = await cacheWith(after).inspect({ id: '42' })
    expect(inspected).toMatchObject({ value: SECRET })
  })

  it('seals the body of a large value again, in the table and in a bucket of bodies', async () => {
    const value = randomBytes(60_000).toString('base64')
    const cacheWith = (name: string, codec: typeof both, bodies?: Store) =>
      createCache({ name, store: fleet.store, codec, ...(bodies && { bodies }) }).use({
        key: `${name}:{id}`,
        fresh: 600_000,
        load: async () => value,
      })
    const s3 = await startS3({ buckets: ['bodies'] })
    const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS
    const settings = { endpoint: s3.url, region: 'us-east-1', credentials: LOCAL_CREDENTIALS, forcePathStyle: true }
    const bucket = { bucket: 'bodies', client: () => new S3Client(settings) }
    try {
      await cacheWith('near', before).get({ id: 1 })
      await cacheWith('far', before, s3Store(bucket)).get({ id: 1 })
      // Two heads, and the body that is beside them.
      const near = await run(rotate(), { cwd: folder })
      expect([near.code, JSON.parse(near.out)]).toMatchObject([0, { resealed: 3, skipped: 0 }])
      const far = await run(
        ['rotate-key', '--bucket', 'bodies', '--endpoint', s3.url, '--ring', 'ring.json', '--json'],
        {
          cwd: folder,
          env: { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
        },
      )
      expect([far.code, JSON.parse(far.out)]).toMatchObject([0, { resealed: 1, skipped: 0 }])
      expect(await cacheWith('near', after).inspect({ id: 1 })).toMatchObject({ value })
      const unread = cacheWith('far', after, s3Store(bucket))
      expect(await unread.inspect({ id: 1 })).toMatchObject({ value })
    } finally {
      await s3.close()
    }
  })

  it('seals collections again', async () => {
    const cartWith = (codec: typeof both) =>
      hash(createCache({ name: 'shop', store: fleet.store, codec }), { key: 'cart:{user}', usable: 86_400_000 })
    await cartWith(before).set({ user: 7 }, 'note', SECRET)
    const { code, out } = await run(rotate(), { cwd: folder })
    expect([code, JSON.parse(out)]).toMatchObject([0, { resealed: 1, skipped: 0 }])
    expect(await cartWith(after).getAll({ user: 7 })).toEqual({ note: SECRET })
  })

  it('seals the journal of a write-behind again: what waits is applied, in order, and what was refused is there to retry', async () => {
    const applied: unknown[] = []
    let refuses = true
    const behindWith = (codec: typeof both) =>
      writeBehind({
        store: fleet.store,
        name: 'posts',
        key: 'post:{id}',
        codec,
        onPoison: 'skip',
        async apply(_params, value: string) {
          if (refuses) throw Object.assign(new Error('no'), { retryable: false })
          applied.push(value)
        },
      })
    await behindWith(before).write({ id: 1 }, `${SECRET} one`)
    await behindWith(before).drain()
    await behindWith(before).write({ id: 1 }, `${SECRET} two`)
    await behindWith(before).write({ id: 2 }, `${SECRET} three`)
    const { code, out } = await run(rotate(), { cwd: folder })
    expect([code, JSON.parse(out)]).toMatchObject([0, { resealed: 2, skipped: 0 }])
    refuses = false
    const now = behindWith(after)
    await now.drain()
    expect(applied.toSorted()).toEqual([`${SECRET} three`, `${SECRET} two`])
    expect((await now.backlog()).poison).toMatchObject([{ value: `${SECRET} one` }])
  })

  it('leaves a journal as it was when one of its writes cannot be opened', async () => {
    const key = `wb~${'3'.repeat(40)}`
    const foreign = aesGcm({ ring: { current: 'k9', keys: { k9: randomBytes(32) } } })
    const journal = JSON.parse(await recordOf(key)) as { queue: unknown[][] }
    const [first = []] = journal.queue
    first[4] = await foreign.seal(SECRET, `${key} b`)
    const body = JSON.stringify(journal)
    await write(fleet.store, key, body)
    const { code, out } = await run(rotate(), { cwd: folder })
    expect([code, JSON.parse(out)]).toMatchObject([1, { resealed: 0, skipped: 1 }])
    expect((await fleet.store.read(key, { signal: NEVER, consistent: true })).image?.body).toBe(body)
  })

  it('seals the ticket of a Feishu store app again', async () => {
    const inboxWith = (codec: typeof both) => ticketInbox({ store: fleet.store, codec, appId: 'cli_1' })
    await inboxWith(before).put(SECRET)
    const { code, out } = await run(rotate(), { cwd: folder })
    expect([code, JSON.parse(out)]).toMatchObject([0, { resealed: 1, skipped: 0 }])
    expect(await inboxWith(after).get()).toBe(SECRET)
  })

  it('changes nothing the second time', async () => {
    await write(fleet.store, nameOf(1), await sealedRecord(nameOf(1)))
    expect(JSON.parse((await run(rotate(), { cwd: folder })).out)).toMatchObject({ resealed: 1, current: 0 })
    expect(JSON.parse((await run(rotate(), { cwd: folder })).out)).toMatchObject({ resealed: 0, current: 1 })
  })

  it('leaves what it cannot open as it was, and exits with 1', async () => {
    const foreign = aesGcm({ ring: { current: 'k9', keys: { k9: randomBytes(32) } } })
    const key = nameOf(2)
    const record = JSON.parse(await sealedRecord(key))
    const sealed = await foreign.seal(SECRET, key)
    await write(fleet.store, key, JSON.stringify({ ...record, value: { ...record.value, sealed } }))
    const { code, out, err } = await run(rotate(), { cwd: folder })
    expect([code, JSON.parse(out)]).toMatchObject([1, { skipped: 1 }])
    expect(err).toContain('they were not changed')
    const { image } = await fleet.store.read(key, { signal: NEVER, consistent: true })
    expect(image?.body).toContain(sealed)
  })

  it('takes a codec of a module, such as one with a key of KMS', async () => {
    await write(fleet.store, nameOf(3), await sealedRecord(nameOf(3)))
    const seal = import.meta.resolve('@warmtoken/core/seal')
    const text = `import { aesGcm } from '${seal}'\nexport default aesGcm({ ring: ${JSON.stringify({ current: 'k2', keys: KEYS })} })\n`
    writeFileSync(join(folder, 'codec.mjs'), text)
    const { code } = await run(['rotate-key', ...fleet.place, '--codec', 'codec.mjs'], { cwd: folder })
    expect(code).toBe(0)
    expect(await textOf(nameOf(3), after)).toContain(SECRET)
  })

  it.each([
    ['{"current":"k1","keys":{"k1":"c2hvcnQ="}}', 'key "k1" must be 32 bytes'],
    ['{"current":', 'is not JSON'],
    ['{"current":"k3","keys":{"k1":"c2hvcnQ="}}', 'aesGcm'],
  ])('refuses the ring %s before it reads a record, and shows no key', async (ring, message) => {
    writeFileSync(join(folder, 'ring.json'), ring)
    const { code, out, err } = await run(rotate(), { cwd: folder })
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(message)
    expect(err).not.toContain('c2hvcnQ')
  })

  it('does not go on by the cursor of another store', async () => {
    writeFileSync(
      join(folder, 'cursor.json'),
      JSON.stringify({ store: 'S3 bucket x', after: 'y', resealed: 0, current: 0, skipped: 0 }),
    )
    const { code, err } = await run(rotate(), { cwd: folder })
    expect([code, err]).toEqual([
      1,
      expect.stringContaining('is not the cursor of a rotation of the DynamoDB table tokens'),
    ])
  })
})
