import assert from 'node:assert/strict'
import { assertThere, faultOf, type Trial } from './kit.ts'

/** How long a call is let run before it is aborted, in ms, and within how long a store must give up on its own. */
const RUN = 150
const END = 5_000

/** Calls that end before their answer comes: never "absent", never a refusal that nobody gave. */
export const aborts: Readonly<Record<string, Trial>> = {
  'a read under a signal that has aborted never says "absent"': async ({ key, read, put }) => {
    const name = key()
    const image = await put(name)
    const result = await read(name, { signal: AbortSignal.abort() }).catch(() => undefined)
    if (result !== undefined) assertThere(image, result)
    return 'pass'
  },

  'a read that is aborted halfway never says "absent"': async ({ key, read, put }) => {
    const name = key()
    const image = await put(name)
    for (const wait of [0, 1, 2, 5]) {
      const controller = new AbortController()
      const reading = read(name, { signal: controller.signal }).catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, wait))
      controller.abort()
      const result = await reading
      if (result !== undefined) assertThere(image, result)
    }
    return 'pass'
  },

  'one aborted call does not abort another': async ({ key, read, put }) => {
    const name = key()
    const image = await put(name)
    const controller = new AbortController()
    const doomed = Array.from({ length: 5 }, () => read(name, { signal: controller.signal }).catch(() => undefined))
    const spared = Array.from({ length: 5 }, () => read(name))
    controller.abort()
    for (const seen of await Promise.all(spared)) assertThere(image, seen)
    await Promise.all(doomed)
    return 'pass'
  },

  'a write that is aborted never claims a conflict, and its tag says what became of it': async (kit) => {
    const { key, read, settle, write, swap } = kit
    for (const wait of [-1, 0, 1, 2, 5]) {
      const name = key()
      const wanted = write(undefined)
      const controller = new AbortController()
      if (wait < 0) controller.abort()
      const writing = swap(name, wanted, controller.signal).catch(() => undefined)
      if (wait >= 0) await new Promise((resolve) => setTimeout(resolve, wait))
      controller.abort()
      const result = await writing
      assert.notEqual(result?.outcome, 'conflict')
      assert.equal((await settle(name, wanted)).outcome, 'swapped')
      assertThere(wanted, await read(name))
    }
    return 'pass'
  },

  'a read without an answer ends with its signal, as a fault': async ({ key, read, put, during }) => {
    const name = key()
    await put(name)
    const fault = await during('hang', 100, () => faultOf(read(name, { signal: AbortSignal.timeout(RUN) })))
    assert.equal(fault.retryable, true, 'a timeout may pass')
    return 'pass'
  },

  'a read without an answer ends on its own, as a fault': async ({ key, read, put, during }) => {
    const name = key()
    await put(name)
    // The engine's own deadline is far shorter; here the clients' timeouts may do their work, or the signal at last.
    const fault = await during('hang', 100, () => faultOf(read(name, { signal: AbortSignal.timeout(END) })))
    assert.equal(fault.retryable, true, 'a timeout may pass')
    return 'pass'
  },

  'a write without an answer is unknown, and its tag says what became of it': async (kit) => {
    const { key, read, settle, write, swap, during } = kit
    const name = key()
    const wanted = write(undefined)
    const result = await during('hang', 100, () => swap(name, wanted, AbortSignal.timeout(RUN)))
    assert.equal(result.outcome, 'unknown')
    assert.equal((await settle(name, wanted)).outcome, 'swapped')
    assertThere(wanted, await read(name))
    return 'pass'
  },
}
