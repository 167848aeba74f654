import assert from 'node:assert/strict'
import { assertThere, faultOf, Gap, type Kit, type Trial } from './kit.ts'

/** How long a call without an answer is waited for, in ms. */
const RUN = 150
/** How long a broken connection may take to show itself in this process, in ms. */
const NOTICE = 100

async function breakConnections({ subject: { faults } }: Kit, how: 'reset' | 'silence'): Promise<void> {
  if ((await faults?.breakConnections?.(how)) !== true) throw new Gap('connections cannot be broken here')
}

/** What a store makes of connections that it keeps. */
export const connections: Readonly<Record<string, Trial>> = {
  'a call after one that hung is answered': async ({ key, read, put, during, settle, write }) => {
    const name = key()
    const image = await put(name)
    await during('hang', 1, () => faultOf(read(name, { signal: AbortSignal.timeout(RUN) })))
    assertThere(image, await read(name))
    const wanted = write(image)
    await during('hang', 1, () => settle(name, wanted, AbortSignal.timeout(RUN)))
    // A store may have hung in a read before its write.
    assert.equal((await settle(name, wanted)).outcome, 'swapped', 'the repeat of a write that hung was not applied')
    assertThere(wanted, await read(name))
    return 'pass'
  },

  'a connection that is cut while idle ends neither the process nor the next call': async (kit) => {
    const { key, read, put } = kit
    const name = key()
    const image = await put(name)
    const thrown = await uncaught(async () => {
      await breakConnections(kit, 'reset')
      await new Promise((resolve) => setTimeout(resolve, NOTICE))
    })
    assert.equal(
      thrown,
      undefined,
      `it would have ended the process: listen to "error" of every connection (${thrown})`,
    )
    assertThere(image, await read(name))
    return 'pass'
  },

  'a connection that went silent while idle costs one call at most': async (kit) => {
    const { key, read, put } = kit
    const name = key()
    const image = await put(name)
    await breakConnections(kit, 'silence')
    const first = await read(name, { signal: AbortSignal.timeout(1_000) }).catch((error: unknown) => error)
    if (first instanceof Error) await faultOf(Promise.reject(first))
    const second = await read(name).catch((error: unknown) =>
      assert.fail(`a dead connection is used again; give it up when a call on it gets no answer (${error})`),
    )
    assertThere(image, second)
    return 'pass'
  },
}

/** Runs with everyone else's listeners put aside; resolves to the error that would have ended the process. */
async function uncaught(act: () => Promise<void>): Promise<unknown> {
  const others = process.listeners('uncaughtException')
  let thrown: unknown
  const catchIt = (error: unknown): void => {
    thrown ??= error
  }
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', catchIt)
  try {
    await act()
    return thrown
  } finally {
    process.off('uncaughtException', catchIt)
    for (const other of others) process.on('uncaughtException', other)
  }
}
