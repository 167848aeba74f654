import assert from 'node:assert/strict'
import { assertConflict, assertThere, type Trial } from './kit.ts'

/** Compare-and-swap, one caller at a time. */
export const writes: Readonly<Record<string, Trial>> = {
  'a key that nobody wrote is absent': async ({ key, read }) => {
    assert.equal((await read(key())).image, undefined)
    assert.equal((await read(key(), { consistent: false })).image, undefined)
    return 'pass'
  },

  'the first write is there at once': async ({ key, read, put }) => {
    const name = key()
    assertThere(await put(name), await read(name))
    return 'pass'
  },

  'a first write is refused when something is there': async ({ key, read, put, write, swap }) => {
    const name = key()
    const there = await put(name)
    assertThere(there, assertConflict(await swap(name, write(undefined))))
    assertThere(there, await read(name))
    return 'pass'
  },

  'a write that expects what was read is applied': async ({ key, read, put }) => {
    const name = key()
    await put(name)
    const second = await put(name, (await read(name)).image)
    assertThere(second, await read(name))
    return 'pass'
  },

  'a write that expects what was just written needs no read': async ({ key, read, put }) => {
    const name = key()
    let image = await put(name)
    for (let n = 0; n < 4; n += 1) image = await put(name, image)
    assertThere(image, await read(name))
    return 'pass'
  },

  'a write that expects an older tag is refused': async ({ key, read, put, write, swap }) => {
    const name = key()
    const older = await put(name)
    const newer = await put(name, older)
    assertThere(newer, assertConflict(await swap(name, write(older))))
    assertThere(newer, await read(name))
    return 'pass'
  },

  'a write that expects something is refused when nothing is there': async ({ key, read, put, write, swap }) => {
    const elsewhere = await put(key())
    const name = key()
    assert.equal(assertConflict(await swap(name, write(elsewhere))).image, undefined)
    assert.equal((await read(name)).image, undefined)
    return 'pass'
  },

  'the image of a conflict can be expected without a read': async ({ key, read, put, write, swap }) => {
    const name = key()
    await put(name)
    const { image } = assertConflict(await swap(name, write(undefined)))
    assertThere(await put(name, image), await read(name))
    return 'pass'
  },

  'the same write again is the same write': async ({ key, read, put, write, swap }) => {
    for (const isFirst of [true, false]) {
      const name = key()
      const wanted = write(isFirst ? undefined : await put(name))
      for (let n = 0; n < 3; n += 1) assert.equal((await swap(name, wanted)).outcome, 'swapped')
      const image = assertThere(wanted, await read(name))
      assert.equal((await swap(name, write(image))).outcome, 'swapped', 'what a repeated write left cannot be expected')
    }
    return 'pass'
  },

  'the same write again changes nothing after someone else has written': async ({ key, read, write, swap, put }) => {
    const name = key()
    const wanted = write(undefined)
    const first = await swap(name, wanted)
    assert.equal(first.outcome, 'swapped')
    const newer = await put(name, first.image)
    assertThere(newer, assertConflict(await swap(name, wanted)))
    assertThere(newer, await read(name))
    return 'pass'
  },

  'what someone else put there is seen, and replaced only when expected': async (kit) => {
    const { key, read, put, write, swap, subject } = kit
    if (subject.plant === undefined) return { gap: 'no way to put something there was given' }
    const name = key()
    await subject.plant(name)
    const { image } = await read(name)
    assert.ok(image !== undefined, 'what is there was taken for absent')
    assertConflict(await swap(name, write(undefined)))
    assertThere(await put(name, image), await read(name))
    return 'pass'
  },
}
