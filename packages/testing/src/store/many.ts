import assert from 'node:assert/strict'
import { assertThere, PATIENCE_IN_CROWDS, type Trial } from './kit.ts'

/** More than one batch of any backend. */
const KEYS = 240

const WITHOUT = { gap: 'the store reads one key at a time' } as const

/** Many keys. */
export const many: Readonly<Record<string, Trial>> = {
  'many keys do not disturb one another': async ({ key, read, put }) => {
    const names = Array.from({ length: KEYS }, (_, n) => key(`-${n}`))
    const signal = AbortSignal.timeout(PATIENCE_IN_CROWDS)
    const images = await Promise.all(names.map((name) => put(name, undefined, {}, signal)))
    const seen = await Promise.all(names.map((name) => read(name, { signal })))
    for (const [index, each] of seen.entries()) assertThere(images[index] ?? { body: '', tag: '' }, each)
    return 'pass'
  },

  'reading many returns for each key what reading one returns': async (kit) => {
    const names = Array.from({ length: KEYS }, (_, n) => kit.key(`-${n}/%2F ä`))
    const images = new Map<string, { body: string; tag: string }>()
    const signal = AbortSignal.timeout(PATIENCE_IN_CROWDS)
    const half = names.slice(0, KEYS / 2)
    await Promise.all(half.map(async (name) => images.set(name, await kit.put(name, undefined, {}, signal))))
    const found = await kit.readMany(names)
    if (found === undefined) return WITHOUT
    assert.equal(found.size, names.length, 'a key is missing from the answer')
    for (const name of names) {
      const seen = found.get(name)
      const image = images.get(name)
      assert.ok(seen !== undefined, 'a key that is absent must be in the answer anyway')
      if (image === undefined) assert.equal(seen.image, undefined)
      else assertThere(image, seen)
    }
    return 'pass'
  },

  'an image from reading many can be expected': async (kit) => {
    const name = kit.key()
    await kit.put(name)
    const found = await kit.readMany([name, name])
    if (found === undefined) return WITHOUT
    assertThere(await kit.put(name, found.get(name)?.image), await kit.read(name))
    return 'pass'
  },

  'reading no keys returns nothing': async (kit) => {
    const found = await kit.readMany([])
    if (found === undefined) return WITHOUT
    assert.equal(found.size, 0)
    return 'pass'
  },
}
