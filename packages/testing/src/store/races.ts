import assert from 'node:assert/strict'
import type { Image } from '@warmtoken/core/adapter'
import { assertThere, type Kit, PATIENCE_IN_CROWDS, type Trial } from './kit.ts'

/** How many race for one record. */
const RACERS = 200
/** How many links a chain gets, and how many build it at once. */
const LINKS = 24
const BUILDERS = 6

/** All want to follow the same image; exactly one may, and the others see who did. */
async function race({ write, settle, read }: Kit, name: string, expected: Image | undefined): Promise<void> {
  const wanted = Array.from({ length: RACERS }, () => write(expected))
  const signal = AbortSignal.timeout(PATIENCE_IN_CROWDS)
  const results = await Promise.all(wanted.map((each) => settle(name, each, signal)))
  const count = (outcome: string): number => results.filter((result) => result.outcome === outcome).length
  assert.equal(count('unknown'), 0, 'a write stayed unknown however often it was repeated')
  assert.equal(count('swapped'), 1, `${count('swapped')} of ${RACERS} racers won`)
  const winner = wanted[results.findIndex(({ outcome }) => outcome === 'swapped')]
  assert.ok(winner !== undefined)
  assertThere(winner, await read(name))
  for (const result of results) if (result.outcome === 'conflict') assertThere(winner, result.seen)
}

/** Many at once. */
export const races: Readonly<Record<string, Trial>> = {
  'one of 200 first writes wins': async (kit) => {
    await race(kit, kit.key(), undefined)
    return 'pass'
  },

  'one of 200 that expect the same tag wins': async (kit) => {
    const name = kit.key()
    await race(kit, name, await kit.put(name))
    return 'pass'
  },

  'the same write many times at once is one write': async ({ key, read, write, settle }) => {
    const name = key()
    const wanted = write(undefined)
    const results = await Promise.all(
      Array.from({ length: 8 }, () => settle(name, wanted, AbortSignal.timeout(PATIENCE_IN_CROWDS))),
    )
    assert.deepEqual(new Set(results.map(({ outcome }) => outcome)), new Set(['swapped']))
    assertThere(wanted, await read(name))
    return 'pass'
  },

  'writes of many at once form one chain': async ({ key, read, write, settle, put }) => {
    const name = key()
    const parents = new Map<string, string>()
    let latest = await put(name)
    const signal = AbortSignal.timeout(PATIENCE_IN_CROWDS)
    const build = async (): Promise<void> => {
      for (let n = 0; parents.size < LINKS && n < LINKS * BUILDERS; n += 1) {
        const expected: Image = latest
        const wanted = write(expected)
        const result = await settle(name, wanted, signal)
        if (result.outcome === 'swapped') {
          assert.ok(![...parents.values()].includes(expected.tag), 'two writes followed the same one')
          parents.set(wanted.tag, expected.tag)
          latest = result.image
        }
        if (result.outcome === 'conflict' && result.seen.image !== undefined) latest = result.seen.image
      }
    }
    await Promise.all(Array.from({ length: BUILDERS }, build))
    let tag = (await read(name)).image?.tag
    let length = 0
    for (; tag !== undefined && length <= parents.size; length += 1) tag = parents.get(tag)
    assert.equal(length, parents.size + 1, 'a write that was told to be applied is not in the chain')
    return 'pass'
  },
}
