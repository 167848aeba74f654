import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WarmEvent } from '../events.ts'
import { custom } from '../sources/custom.ts'
import { memoryStore } from '../stores/memory.ts'
import { createTokens } from '../tokens/tokens.ts'
import { aesGcm, type KeyRing } from './aes-gcm.ts'

function ring(current: string, ...ids: string[]): KeyRing {
  return {
    current,
    keys: Object.fromEntries([current, ...ids].map((id) => [id, KEYS[id] ?? randomBytes(32)])),
  }
}
const KEYS: Record<string, Uint8Array> = { old: randomBytes(32), new: randomBytes(32) }

describe('a sealed value', () => {
  it('opens for its own key only, and shows nothing', async () => {
    const codec = aesGcm({ ring: ring('old') })
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string(), fc.string(), async (text, key, other) => {
        const sealed = await codec.seal(text, key)
        // Lone surrogates have no UTF-8 form; JSON, which is all that is sealed, escapes them.
        expect(await codec.open(sealed, key)).toBe(Buffer.from(text).toString())
        if (text.length > 8) expect(sealed).not.toContain(text)
        if (other !== key) expect(() => codec.open(sealed, other)).toThrow()
      }),
    )
  })

  it('does not open when a single character was changed', () => {
    const codec = aesGcm({ ring: ring('old') })
    const sealed = String(codec.seal('{"value":"secret"}', 'k'))
    for (let index = 0; index < sealed.length - 1; index += 1) {
      const changed = sealed.slice(0, index) + (sealed[index] === 'A' ? 'B' : 'A') + sealed.slice(index + 1)
      expect(() => codec.open(changed, 'k')).toThrow()
    }
    for (const wrong of ['', '.', 'a1.old.', 'a1.old.AAAA', 'plain text', `${sealed}.x`])
      expect(() => codec.open(wrong, 'k')).toThrow()
  })

  it('is never sealed to the same text twice', () => {
    const codec = aesGcm({ ring: ring('old') })
    expect(new Set(Array.from({ length: 1_000 }, () => codec.seal('x', 'k'))).size).toBe(1_000)
  })
})

describe('rotation', () => {
  it('opens what the old key sealed and seals with the new one', async () => {
    const before = aesGcm({ ring: ring('old') })
    const after = aesGcm({ ring: ring('new', 'old') })
    const sealed = await before.seal('x', 'k')
    expect(await after.open(sealed, 'k')).toBe('x')
    expect(await after.seal('x', 'k')).toMatch(/^a1\.new\./)
    expect(() => aesGcm({ ring: ring('new') }).open(sealed, 'k')).toThrow('"old"')
  })

  it('seals a token again at its next refresh, with no call failing and nothing in clear text at rest', async () => {
    const store = memoryStore()
    let fetches = 0
    const source = custom({
      identity: 'app',
      fetch: async () => ({ value: `secret-${++fetches}`, lifetime: 3_600_000 }),
    })
    const environment = (keys: KeyRing) =>
      createTokens({ store, directory: false, codec: aesGcm({ ring: () => Promise.resolve(keys) }) }).use(source)
    const body = async () =>
      (await store.read(environment(ring('old')).key, { signal: AbortSignal.timeout(1_000), consistent: true })).image
        ?.body ?? ''
    await environment(ring('old')).get()
    expect(await body()).toContain('a1.old.')
    const rotated = environment(ring('new', 'old'))
    const token = await rotated.get()
    expect([token.value, token.tier]).toEqual(['secret-1', 'store'])
    expect((await rotated.reject(token)).value).toBe('secret-2')
    expect(await body()).toContain('a1.new.')
    expect(await body()).not.toContain('secret-')
  })

  it('counts a value that no key opens as a miss, and the next publish repairs it', async () => {
    const store = memoryStore()
    const events: WarmEvent[] = []
    const use = (keys: KeyRing) =>
      createTokens({
        store,
        directory: false,
        codec: aesGcm({ ring: keys }),
        onEvent: (event) => events.push(event),
      }).use(custom({ identity: 'app', fetch: async () => ({ value: 'v', lifetime: 3_600_000 }) }))
    await use(ring('old')).get()
    expect((await use(ring('new')).get()).tier).toBe('source')
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'codec-error', operation: 'open', code: 'KEY_MISSING' }),
    )
    expect((await use(ring('new')).get()).tier).toBe('store')
  })
})

describe('a key ring', () => {
  it.each([
    [{ current: 'a', keys: {} }],
    [{ current: 'a', keys: { a: randomBytes(31) } }],
    [{ current: 'a', keys: { a: 'c2hvcnQ=' } }],
    [{ current: 'b', keys: { a: randomBytes(32) } }],
    [{ current: 'a b', keys: { 'a b': randomBytes(32) } }],
  ])('that is wrong is refused at construction, without showing a key', (wrong) => {
    expect(() => aesGcm({ ring: wrong })).toThrow(TypeError)
    try {
      aesGcm({ ring: wrong })
    } catch (error) {
      expect(String(error)).not.toContain('c2hvcnQ')
    }
  })

  it('that is not available is asked for again', async () => {
    let calls = 0
    const codec = aesGcm({
      ring: async () => {
        calls += 1
        if (calls === 1) throw new Error('not now')
        return ring('old')
      },
    })
    await expect(codec.seal('x', 'k')).rejects.toThrow('not now')
    await new Promise((resolve) => setImmediate(resolve))
    expect(await codec.open(await codec.seal('x', 'k'), 'k')).toBe('x')
    expect(calls).toBe(2)
  })
})
