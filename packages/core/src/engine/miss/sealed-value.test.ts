import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Json, Store } from '../../contracts.ts'
import type { WarmEvent } from '../../events.ts'
import { shiftedRuntime } from '../../lib/shifted-runtime.test-data.ts'
import { aesGcm } from '../../seal/aes-gcm.ts'
import { custom } from '../../sources/custom.ts'
import { memoryStore } from '../../stores/memory.ts'
import { createFileReader } from '../../tiers/file/reader.ts'
import { createFileTier } from '../../tiers/file/writer.ts'
import { createTokens } from '../../tokens/tokens.ts'
import { createEngine } from '../engine.ts'
import { DEFAULT_POLICY } from '../policy.ts'

const HOUR = 3_600_000
const HOW = { signal: new AbortController().signal, consistent: true }
const CODEC = aesGcm({ ring: { current: 'a', keys: { a: randomBytes(32) } } })
const { runtime, advance } = shiftedRuntime()

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'warmtoken-sealed-'))
  folders.push(made)
  return made
}

function placed(place: string | undefined): Store {
  return { ...memoryStore({ wall: runtime.wall }), place }
}

let fetches = 0
function environment(
  store: Store,
  { app = 'app', directory = false }: { app?: string; directory?: string | false } = {},
) {
  const events: WarmEvent[] = []
  const source = custom({ identity: app, fetch: async () => ({ value: `token-${++fetches}`, lifetime: HOUR }) })
  const tokens = createTokens({ store, directory, codec: CODEC, runtime, onEvent: (event) => events.push(event) })
  return { handle: tokens.use(source), events }
}

/** What a writer without the key can do: changes fields beside the sealed text. */
async function tamper(store: Store, key: string, change: (record: { value: object }) => object): Promise<void> {
  const { image } = await store.read(key, HOW)
  const body = JSON.stringify(change(JSON.parse(image?.body ?? '{}')))
  await store.swap(key, { expected: image, body, tag: 'planted', keepUntil: 0 }, HOW)
}

describe('a writer without the key', () => {
  it('cannot make a value live longer', async () => {
    const store = placed('table/one')
    const first = await environment(store).handle.get()
    const { key } = environment(store).handle
    const later = runtime.wall() + 24 * HOUR
    await tamper(store, key, (record) => ({
      ...record,
      value: { ...record.value, softExpiry: later, hardExpiry: later },
    }))
    const early = await environment(store).handle.get()
    expect(early.value).toBe(first.value)
    expect(early.remaining()).toBeLessThanOrEqual(HOUR)
    advance(HOUR + 1_000)
    expect((await environment(store).handle.get()).value).not.toBe(first.value)
  })

  it('can make it live shorter, which costs a fetch', async () => {
    const store = placed('table/one')
    const first = await environment(store).handle.get()
    const { key } = environment(store).handle
    await tamper(store, key, (record) => ({ ...record, value: { ...record.value, softExpiry: 0, hardExpiry: 0 } }))
    expect((await environment(store).handle.get()).value).not.toBe(first.value)
  })

  it('cannot pass a value off as a newer version, or as another one', async () => {
    const store = placed('table/one')
    const first = await environment(store).handle.get()
    const { key } = environment(store).handle
    const fake = { version: first.version + 1_000, fingerprint: '00000000' }
    await tamper(store, key, (record) => ({ ...record, value: { ...record.value, ...fake } }))
    const seen = await environment(store).handle.get()
    expect([seen.version, seen.fingerprint]).toEqual([first.version, first.fingerprint])
  })

  it.each([
    ['another store or stage', 'table/two', 'app', 'SEALED_ELSEWHERE'],
    ['another key', 'table/one', 'another app', undefined],
  ])('cannot move it to %s', async (_where, place, app, code) => {
    const store = placed('table/one')
    const first = await environment(store).handle.get()
    const { image } = await store.read(environment(store).handle.key, HOW)
    const target = place === store.place ? store : placed(place)
    const { handle, events } = environment(target, { app })
    const body = JSON.stringify({ ...JSON.parse(image?.body ?? '{}'), key: handle.key })
    await target.swap(handle.key, { expected: undefined, body, tag: 'moved', keepUntil: 0 }, HOW)
    expect((await handle.get()).value).not.toBe(first.value)
    const opened = events.find((event) => event.type === 'codec-error')
    expect(opened).toMatchObject({ operation: 'open', ...(code && { code }) })
  })

  it('cannot make the file of a value live longer', async () => {
    const directory = folder()
    const { handle } = environment(placed('table/one'), { directory })
    const first = await handle.get()
    const reader = createFileReader(directory, runtime)
    const found = reader.read(handle.key)
    if (found === undefined) throw new Error('there is no file')
    const later = runtime.wall() + 24 * HOUR
    const problems: string[] = []
    const onProblem = (_key: string, problem: string) => problems.push(problem)
    const lifetime = { ...found.lifetime, softExpiry: later, hardExpiry: later }
    createFileTier(reader, { runtime, onProblem }).write(handle.key, { ...found, lifetime })
    const again = await environment(placed('table/one'), { directory }).handle.get()
    expect([again.value, again.tier, problems]).toEqual([first.value, 'file', []])
    expect(again.remaining()).toBeLessThanOrEqual(HOUR)
    advance(HOUR + 1_000)
    expect((await environment(placed('table/one'), { directory }).handle.get()).value).not.toBe(first.value)
  })
})

describe('a sealed value', () => {
  it('of a store that does not name its place opens anywhere', async () => {
    const store = placed(undefined)
    const first = await environment(store).handle.get()
    expect((await environment({ ...store, place: 'table/one' }).handle.get()).value).toBe(first.value)
  })

  it('of the release before, with nothing sealed beside the token, is served', async () => {
    const store = placed('table/one')
    const first = await environment(store).handle.get()
    const { key } = environment(store).handle
    const bare = await CODEC.seal(JSON.stringify({ value: 'from before', type: 'Bearer', extra: {} }), key)
    await tamper(store, key, (record) => ({ ...record, value: { ...record.value, sealed: bare } }))
    const seen = await environment(store).handle.get()
    expect([seen.value, seen.version]).toEqual(['from before', first.version])
  })

  it('shows the token alone when it is opened by the release before, with one field more', async () => {
    const store = placed('table/one')
    const { handle } = environment(store)
    const { value } = await handle.get()
    const { image } = await store.read(handle.key, HOW)
    const { sealed } = JSON.parse(image?.body ?? '{}').value as { sealed: string }
    const opened: unknown = JSON.parse(await CODEC.open(sealed, handle.key))
    expect(opened).toMatchObject({
      value,
      type: 'Bearer',
      bound: [
        'table/one',
        expect.any(String),
        expect.any(Number),
        expect.any(Number),
        expect.any(Number),
        expect.any(Number),
      ],
    })
  })

  it('comes back as it was, whatever JSON it is', async () => {
    const json = fc.oneof(
      fc.jsonValue(),
      fc.record({ bound: fc.jsonValue(), only: fc.jsonValue(), x: fc.jsonValue() }, { requiredKeys: [] }),
    )
    await fc.assert(
      fc.asyncProperty(json, async (value) => {
        const wanted = JSON.parse(JSON.stringify(value)) as Json
        const store = memoryStore()
        const get = async () => {
          const engine = createEngine({
            openStore: () => store,
            codec: CODEC,
            directory: false,
            maxEntries: 1,
            policy: DEFAULT_POLICY,
            emit: () => {},
            listening: () => false,
          })
          const slot = engine.slot<{ readonly is: Json }>('k~1', {
            source: {},
            fetch: async () => ({ value: wanted as never, lifetime: HOUR }),
            parse: (parsed) => parsed as never,
            fingerprint: () => 'f',
          })
          return engine.get(slot, { minLifetime: 0, rejected: undefined }, ({ entry, tier }) => [entry.value, tier])
        }
        if (wanted === null) return
        expect(await get()).toEqual([wanted, 'source'])
        expect(await get()).toEqual([wanted, 'store'])
      }),
      { numRuns: 200 },
    )
  })
})
