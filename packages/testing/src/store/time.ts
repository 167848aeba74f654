import assert from 'node:assert/strict'
import type { Image, ServerTime } from '@warmtoken/core/adapter'
import { assertConflict, assertThere, KEEP, type Trial } from './kit.ts'

/** How long is waited to see that nothing is cleaned up too early, in ms; twice what the record was first given. */
const SHORT = 600
/** How much longer a record may be kept, in ms: whole seconds are rounded up, and what is left may be told in whole seconds too. */
const ROUNDING = 2_000
/** By how much this process's clock is set forward, in ms: less than what servers allow of a signature. */
const SHIFT = 60_000

/** The server's clock, and how long records are kept. */
export const time: Readonly<Record<string, Trial>> = {
  'every answer tells the time as an interval that holds the true one': async ({ subject, key, read, write, swap }) => {
    const skew = subject.clockSkew ?? 0
    const name = key()
    const ask = async (call: () => Promise<ServerTime | undefined>): Promise<boolean> => {
      const before = Date.now() - skew
      const told = await call()
      // This machine tells whole milliseconds; a server may tell more.
      const after = Date.now() + 1 + skew
      if (told === undefined) return false
      assert.ok(told.precision >= 0)
      assert.ok(told.at <= after, `the server's time is ${told.at - after} ms after the answer came`)
      assert.ok(
        told.at + told.precision >= before,
        `the server's time is over ${before - told.at - told.precision} ms before the request was sent`,
      )
      return true
    }
    const told = [
      await ask(async () => (await read(name)).time),
      await ask(async () => {
        const result = await swap(name, write(undefined))
        return result.outcome === 'swapped' ? result.time : undefined
      }),
      await ask(async () => assertConflict(await swap(name, write(undefined))).time),
      await ask(async () => (await read(name)).time),
    ]
    return told.every(Boolean) ? 'pass' : { gap: 'not every answer tells the time' }
  },

  'the time is that of the backend, not of this process': async ({ subject, key, read, put }) => {
    if (subject.sharesClock === true) return { gap: 'the backend has the clock of this process' }
    const name = key()
    await put(name)
    const shift = SHIFT + (subject.clockSkew ?? 0)
    const { time: told } = await withShiftedClock(shift, () => read(name))
    if (told === undefined) return { gap: 'the backend does not tell the time' }
    assert.ok(
      Math.abs(told.at - Date.now()) < shift / 2 + told.precision,
      'the time moves with the clock of this process: return what the backend said, or `undefined`. If the backend runs in this process, set `sharesClock`',
    )
    return 'pass'
  },

  'the time does not go back': async ({ key, read, put }) => {
    const name = key()
    await put(name)
    let last: ServerTime | undefined
    for (let n = 0; n < 10; n += 1) {
      const { time: told } = await read(name)
      if (told === undefined) return { gap: 'the backend does not tell the time' }
      assert.ok(last === undefined || told.at + told.precision >= last.at, 'the server went back in time')
      last = told
    }
    return 'pass'
  },

  'a later write keeps the record longer': async ({ key, read, put }) => {
    const name = key()
    const now = (await read(name)).time?.at ?? Date.now()
    const first = await put(name, undefined, { keepUntil: now + 1_000 + SHORT })
    const second = await put(name, first, { keepUntil: now + KEEP })
    await new Promise((resolve) => setTimeout(resolve, 2 * SHORT + 1_000))
    assertThere(second, await read(name))
    return 'pass'
  },

  'the backend is told until when to keep a record': async ({ subject, key, put, read }) => {
    const name = key()
    if (subject.keepUntilOf === undefined) {
      await put(name, undefined, { keepUntil: Date.now() + 1_000 })
      await new Promise((resolve) => setTimeout(resolve, 1_000 + 2 * SHORT))
      if ((await read(name)).image === undefined) return 'pass'
      return { gap: 'a record outlived its `keepUntil` and nothing shows that it is ever deleted: give `keepUntilOf`' }
    }
    let image: Image | undefined
    for (const keepUntil of [Date.now() + KEEP + 1, Date.now() + 9 * KEEP + 0.5]) {
      image = await put(name, image, { keepUntil })
      const kept = await subject.keepUntilOf(name)
      if (kept === undefined) return { gap: 'the backend keeps records until it is told otherwise by other means' }
      assert.ok(Number.isFinite(kept), 'the backend was not told to delete the record, ever')
      assert.ok(kept >= keepUntil, `the record is kept ${keepUntil - kept} ms too short`)
      assert.ok(kept <= keepUntil + ROUNDING, `the record is kept ${kept - keepUntil} ms too long`)
    }
    return 'pass'
  },
}

/** Runs with the clock of this process set forward. Node itself, and so a server in this process, keeps the true one. */
async function withShiftedClock<T>(shift: number, act: () => Promise<T>): Promise<T> {
  const True = Date
  globalThis.Date = new Proxy(True, {
    construct: (target, args: [], made) =>
      Reflect.construct(target, args.length > 0 ? args : [True.now() + shift], made),
    get: (target, name) => (name === 'now' ? () => True.now() + shift : Reflect.get(target, name)),
  })
  try {
    return await act()
  } finally {
    globalThis.Date = True
  }
}
