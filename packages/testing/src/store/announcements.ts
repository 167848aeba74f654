import assert from 'node:assert/strict'
import { assertConflict, assertThere, type Trial } from './kit.ts'

/** The longest announcement, in bytes. */
const LONGEST = 512

/** Announcements of writes, for live events. */
export const announcements: Readonly<Record<string, Trial>> = {
  'a write that is announced is an ordinary write': async ({ key, read, put }) => {
    const name = key()
    const first = await put(name, undefined, { announce: '{"kind":"publish"}' })
    assertThere(first, await read(name))
    const second = await put(name, first, { announce: 'x'.repeat(LONGEST) })
    assertThere(second, await read(name))
    assertThere(await put(name, second), await read(name))
    return 'pass'
  },

  'only a write with an announcement is announced': async ({ key, put, write, swap, subject }) => {
    const { takeAnnounced } = subject
    if (takeAnnounced === undefined) return { gap: 'the backend announces nothing' }
    const name = key()
    const expectAnnounced = async (expected: readonly string[], after: string): Promise<void> =>
      assert.deepEqual(await takeAnnounced(name), expected, `after ${after}`)
    // A channel may still hold what other keys announced.
    await takeAnnounced(name)
    const published = await put(name, undefined, { announce: '{"version":1}' })
    await expectAnnounced(['{"version":1}'], 'the first announced write')
    const acquired = await put(name, published)
    await expectAnnounced([], 'a write without an announcement')
    assertConflict(await swap(name, write(published, { announce: '{"version":2}' })))
    await expectAnnounced([], 'an announced write that was refused')
    const long = 'x'.repeat(LONGEST)
    await put(name, acquired, { announce: long })
    await expectAnnounced([long], 'the second announced write')
    return 'pass'
  },
}
