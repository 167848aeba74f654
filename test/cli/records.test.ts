import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createCache } from '@warmtoken/core/data'
import { emptyRecord, parseRecord, printRecord, type WarmRecord } from '@warmtoken/core/record'
import { aesGcm } from '@warmtoken/core/seal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fleet, SECRET, startFleet } from './fleet.ts'
import { LOCAL_AWS, run, start } from './run.ts'

let fleet: Fleet
let sealed = ''
let plain = ''
let chain = ''
beforeAll(async () => {
  fleet = await startFleet()
  sealed = await fleet.fetch('sealed', { codec: aesGcm({ ring: { current: 'k1', keys: { k1: randomBytes(32) } } }) })
  plain = await fleet.fetch('plain')
  chain = await fleet.fetch('chain', { exclusive: true })
})
afterAll(() => fleet?.server.close())

interface RecordView {
  readonly key: string
  readonly state: string
}

const NEVER = new AbortController().signal

async function recordOf(key: string): Promise<WarmRecord> {
  const { image } = await fleet.store.read(key, { signal: NEVER, consistent: true })
  const parsed = parseRecord(image?.body ?? '', key)
  if (parsed.outcome !== 'record') throw new Error(parsed.reason)
  return parsed.record
}

function json(out: string): Record<string, unknown> {
  return JSON.parse(out) as Record<string, unknown>
}

describe('warmtoken list', () => {
  it('shows each record with its state, and no value', async () => {
    const { code, out, err } = await run(['list', ...fleet.place])
    expect(code).toBe(0)
    for (const key of [sealed, plain, chain]) expect(out).toContain(key)
    expect(out).toMatch(/fresh +3[56]\d\d s +[0-9a-f]{8}/)
    expect(out + err).not.toContain(SECRET)
    expect(out + err).not.toContain('\u001b')
  })

  it('prints one JSON object on standard output with --json, before or behind the command', async () => {
    for (const args of [
      ['--json', 'list', ...fleet.place],
      ['list', ...fleet.place, '--json'],
    ]) {
      const { records } = json((await run(args)).out) as {
        records: { key: string; sealing: string; notes: string[] }[]
      }
      expect(records.find(({ key }) => key === sealed)?.sealing).toBe('aes-256-gcm, key k1')
      expect(records.find(({ key }) => key === plain)?.sealing).toBe('plain text')
      expect(records.find(({ key }) => key === chain)?.notes).toEqual(['exclusive'])
    }
  })

  it('says how many keys are not ours, and that it stopped at the limit', async () => {
    await fleet.store.swap(
      'someone-else',
      { expected: undefined, body: SECRET, tag: 't', keepUntil: 4e12 },
      { signal: NEVER },
    )
    const { out, err } = await run(['list', ...fleet.place, '--limit', '1', '--json'])
    expect(json(out)).toMatchObject({ records: [{}], complete: false })
    expect(err).toContain('There are more than 1 records')
    const all = await run(['list', ...fleet.place, '--json'])
    expect(json(all.out)).toMatchObject({ foreign: 1, complete: true })
    expect(all.err).toContain('1 keys do not belong to warmtoken')
  })
})

describe('warmtoken inspect', () => {
  it('shows state, version, instants, fingerprint and the last refreshes, and no value', async () => {
    const { out, err, code } = await run(['inspect', plain, ...fleet.place, '--json'])
    const { value } = await recordOf(plain)
    expect(json(out)).toMatchObject({
      state: 'fresh',
      version: value?.version,
      fingerprint: value?.fingerprint,
      hardExpiry: new Date(value?.hardExpiry ?? 0).toISOString(),
      refreshes: [{ outcome: 'ok', fingerprint: value?.fingerprint }],
    })
    expect(code).toBe(0)
    expect(out + err).not.toContain(SECRET)
  })

  it('shows a lease and a failure', async () => {
    const key = `lab~${'a'.repeat(40)}`
    const now = Date.now()
    const record: WarmRecord = {
      ...emptyRecord(key),
      keepUntil: now + 1e9,
      lease: { nonce: '0123456789abcdef', acquiredAt: now, length: 600_000 },
      failure: { count: 3, kind: 'throttled', code: 'SLOW\u001b[31m', notBefore: now + 60_000 },
    }
    await fleet.store.swap(
      key,
      { expected: undefined, body: printRecord(record), tag: 'x', keepUntil: now + 1e9 },
      { signal: NEVER },
    )
    const { out } = await run(['inspect', key, ...fleet.place])
    expect(out).toMatch(/lease +01234567…/)
    expect(out).toMatch(/failure +throttled SLOW\?\[31m, 3 in a row/)
    expect(out).not.toContain('\u001b')
    expect(out).toContain('refreshing, cooling-down')
  })

  it('fails for a key without a record, and for a text that cannot be a key', async () => {
    const missing = await run(['inspect', `lab~${'0'.repeat(40)}`, ...fleet.place])
    expect([missing.code, missing.out]).toEqual([1, ''])
    expect(missing.err).toContain('has no record')
    expect((await run(['inspect', 'x', ...fleet.place])).code).toBe(2)
  })
})

describe('warmtoken refresh, reject and purge', () => {
  it('makes a value due, with who and why in the ring', async () => {
    const key = await fleet.fetch('refreshed')
    const { code, out } = await run(['refresh', key, ...fleet.place, '--reason', 'rotated at the vendor'])
    expect([code, out]).toEqual([0, `${key}: refresh-asked\n`])
    const { value, refreshes } = await recordOf(key)
    expect(value?.softExpiry).toBeLessThanOrEqual(Date.now() + 1_100)
    expect(refreshes.at(-1)).toMatchObject([
      expect.any(Number),
      expect.stringMatching(/^operator \S+: rotated at the vendor$/),
      0,
      'refresh-asked',
      value?.fingerprint,
    ])
  })

  it('rejects the published version: the engine fetches instead of serving it', async () => {
    const key = await fleet.fetch('rejected')
    const before = await recordOf(key)
    expect((await run(['reject', key, ...fleet.place])).code).toBe(0)
    expect((await recordOf(key)).rejected).toBe(before.value?.version)
    expect(await fleet.fetch('rejected')).toBe(key)
    expect((await recordOf(key)).value?.version).toBeGreaterThan(before.value?.version ?? 0)
  })

  it('empties a record, and the engine fetches a later version', async () => {
    const key = await fleet.fetch('purged')
    const before = await recordOf(key)
    expect((await run(['purge', key, ...fleet.place])).code).toBe(0)
    expect(await recordOf(key)).toMatchObject({ epoch: before.epoch + 1, keepUntil: expect.any(Number) })
    expect((await recordOf(key)).value).toBeUndefined()
    await fleet.fetch('purged')
    expect((await recordOf(key)).value?.version).toBeGreaterThan(before.value?.version ?? 0)
  })

  it('does not purge the chain of an exclusive source, unless it may be lost', async () => {
    const before = await recordOf(chain)
    const refused = await run(['purge', chain, ...fleet.place])
    expect([refused.code, refused.out]).toEqual([1, ''])
    expect(refused.err).toContain('--lose-chain')
    expect(await recordOf(chain)).toEqual(before)
    expect((await run(['purge', chain, ...fleet.place, '--lose-chain'])).code).toBe(0)
    expect((await recordOf(chain)).value).toBeUndefined()
  })

  it('does not purge a chain that a release without the mark has written', async () => {
    const key = await fleet.fetch('old-chain', { exclusive: true })
    const { exclusive: _mark, ...old } = await recordOf(key)
    const { image } = await fleet.store.read(key, { signal: NEVER, consistent: true })
    await fleet.store.swap(
      key,
      { expected: image, body: printRecord(old), tag: 'old', keepUntil: old.keepUntil },
      { signal: NEVER },
    )
    expect((await run(['purge', key, ...fleet.place])).err).toContain('--lose-chain')
  })

  it('steers a value of a cache, and never the numbers by which the cache invalidates', async () => {
    const cache = createCache({ name: 'shop', store: fleet.store, recheck: 1 })
    const project = cache.use({
      key: 'project:{id}:info',
      fresh: 600_000,
      load: async () => SECRET,
    })
    await project.get({ id: '42' })
    await cache.invalidate({ everything: true })
    const { records } = json((await run(['list', ...fleet.place, '--json'])).out) as { records: RecordView[] }
    const value = records.find(({ key }) => key.startsWith('project:42:info~'))
    const numbers = records.find(({ key }) => key.startsWith('gen~'))
    expect(value).toMatchObject({ state: 'fresh', notes: [] })
    expect(numbers?.state).toBe('other')
    for (const command of ['purge', 'reject', 'refresh']) {
      const { code, err } = await run([command, numbers?.key ?? '', ...fleet.place])
      expect([code, err]).toEqual([1, expect.stringContaining('another kind of record')])
    }
    const { out, code } = await run(['purge', value?.key ?? '', ...fleet.place])
    expect([code, out]).toEqual([0, expect.stringContaining('purged')])
    expect(json((await run(['list', ...fleet.place, '--kind', 'project', '--json'])).out)).toMatchObject({
      records: [{ key: value?.key, state: 'empty' }],
    })
  })

  it('loses no part of a record that is damaged, unless its chain may be lost', async () => {
    const key = await fleet.fetch('damaged', { exclusive: true })
    const { image } = await fleet.store.read(key, { signal: NEVER, consistent: true })
    const body = JSON.stringify({ ...json(image?.body ?? ''), intent: { fingerprint: 7 } })
    await fleet.store.swap(
      key,
      { expected: image, body, tag: 'damaged', keepUntil: Date.now() + 1e9 },
      { signal: NEVER },
    )
    for (const command of ['purge', 'reject', 'refresh']) {
      const { code, err } = await run([command, key, ...fleet.place])
      expect([code, err]).toEqual([1, expect.stringContaining('is damaged (intent)')])
    }
    expect((await fleet.store.read(key, { signal: NEVER, consistent: true })).image?.body).toBe(body)
    expect((await run(['purge', key, ...fleet.place, '--lose-chain'])).code).toBe(0)
  })

  it('changes nothing for a key without a record', async () => {
    const { code, err } = await run(['reject', `lab~${'0'.repeat(40)}`, ...fleet.place])
    expect([code, err]).toEqual([1, expect.stringContaining('nothing was changed')])
  })
})

describe('warmtoken watch', () => {
  it('prints each record once while nothing changes', async () => {
    const { out, code } = await run([
      'watch',
      ...fleet.place,
      '--kind',
      'lab',
      '--interval',
      '0.1',
      '--count',
      '3',
      '--json',
    ])
    const lines = out.trim().split('\n').map(json)
    expect(new Set(lines.map(({ key }) => key)).size).toBe(lines.length)
    expect([code, out.includes(SECRET)]).toEqual([0, false])
  })

  it('ends with 1 when it is stopped', async () => {
    const child = start(['watch', ...fleet.place, '--interval', '60'])
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    expect(code).toBe(1)
  })
})

describe('bad input', () => {
  it.each([
    [['nothing'], 2, "unknown command 'nothing'"],
    [[], 2, 'Name a command'],
    [['list', '--tabel', 'x'], 2, "unknown option '--tabel'"],
    [['list'], 2, 'name one store'],
    [['list', '--table', 'a', '--bucket', 'b'], 2, 'name one store'],
    [['list', '--table', 'a', '--prefix', 'b'], 2, '--prefix is for'],
    [['list', '--table', 'a', '--limit', '0'], 2, '--limit'],
    [['inspect', '--table', 'a'], 2, "missing required argument 'key'"],
    [['list', '--upstash', 'https://x.upstash.io'], 4, 'UPSTASH_REDIS_REST_TOKEN'],
    [['rotate-key', '--table', 'a'], 2, '--ring <file> or --codec <module>'],
  ])('%j ends with its exit code and a message on standard error', async (args, code, message) => {
    const ended = await run(args)
    expect([ended.code, ended.out]).toEqual([code, ''])
    expect(ended.err).toContain(message)
  })

  it('is a table that does not exist, which is named', async () => {
    const { code, err } = await run(['list', '--table', 'absent', '--endpoint', fleet.server.url])
    expect([code, err]).toEqual([1, expect.stringContaining('DynamoDB table absent: it does not exist')])
  })

  it('is an environment without credentials, which exits with 4', async () => {
    const { code, err } = await run(['list', ...fleet.place], {
      env: { AWS_REGION: 'us-east-1', HOME: '/nonexistent' },
    })
    expect([code, err]).toEqual([4, expect.stringContaining('there are no credentials')])
  })

  it('is a reader that goes away: the command ends without a stack trace', async () => {
    const child = start(['watch', ...fleet.place, '--interval', '0.1', '--json'], { env: LOCAL_AWS })
    const closed = once(child, 'close')
    let err = ''
    child.stderr.on('data', (piece: Buffer) => {
      err += piece.toString()
    })
    await once(child.stdout, 'data')
    child.stdout.destroy()
    await fleet.fetch('after-the-reader-has-gone')
    const [code] = await closed
    expect([code, err]).toEqual([1, ''])
  })
})

it('help is quick: it loads no SDK, no YAML, and no command', async () => {
  const { code, out, err } = await run(['--help'], {
    node: ['--import', new URL('../../packages/local/src/cli/loaded-modules.test-process.ts', import.meta.url).href],
  })
  expect([code, out]).toEqual([0, expect.stringContaining('rotate-key')])
  expect(out).toContain('Exit codes: 0 done')
  expect(err).toContain('cli/src/program.ts')
  expect(err).not.toMatch(/aws-sdk|\/yaml\/|\/diff\/|cli\/src\/commands/)
})
