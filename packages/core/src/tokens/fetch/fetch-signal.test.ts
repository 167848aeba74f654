import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Traits } from '../../contracts.ts'
import { abortable, pause } from '../../lib/timing.ts'
import { custom } from '../../sources/custom.ts'
import { createTokens } from '../tokens.ts'
import type { TokenHandle } from '../types.ts'
import { type ScriptedApi, startScriptedApi } from './scripted-api.test-server.ts'

let api: ScriptedApi
beforeEach(async () => {
  api = await startScriptedApi()
})
afterEach(() => api.close())

const REASON = new RangeError('the caller has gone')

function handleOf(fetch: () => Promise<string>, traits?: Traits): TokenHandle {
  return createTokens({ directory: false }).use(
    custom({
      identity: 'x',
      fetch: async () => ({ value: await fetch(), lifetime: 3_600_000 }),
      ...(traits && { traits }),
    }),
  )
}

function never(): Promise<never> {
  return new Promise(() => {})
}

/** The ways to hand a signal to `fetch`. */
const ways: readonly (readonly [string, (handle: TokenHandle, signal: AbortSignal) => Promise<Response>])[] = [
  ['in the options', (handle, signal) => handle.fetch(api.url, { signal })],
  ['of a Request', (handle, signal) => handle.fetch(new Request(api.url, { signal }))],
]

describe.each(ways)('a signal %s ends', (_way, call) => {
  it('the wait for the token, with its reason', async () => {
    const controller = new AbortController()
    let asked: () => void = () => {}
    const asking = new Promise<void>((resolve) => {
      asked = resolve
    })
    const answer = call(
      handleOf(() => {
        asked()
        return never()
      }),
      controller.signal,
    )
    await asking
    controller.abort(REASON)
    await expect(answer).rejects.toBe(REASON)
    expect(api.received).toEqual([])
  })

  it('the pause before a token that the API may not know yet is sent again', async () => {
    const controller = new AbortController()
    // Longer than the test may take.
    const handle = handleOf(async () => 'young', { settleTime: 3_000_000 })
    api.script = () => {
      setTimeout(() => controller.abort(REASON), 50)
      return { status: 401 }
    }
    await expect(call(handle, controller.signal)).rejects.toBe(REASON)
    expect(api.received.length).toBe(1)
  })

  it('the wait for a new token in place of a refused one', async () => {
    const controller = new AbortController()
    let fetches = 0
    const handle = handleOf(async () => {
      fetches += 1
      if (fetches === 1) return 'first'
      controller.abort(REASON)
      return never()
    })
    api.script = () => ({ status: 401 })
    await expect(call(handle, controller.signal)).rejects.toBe(REASON)
    expect(api.received.length).toBe(1)
  })

  it('everything before it begins: no token is asked for', async () => {
    let fetches = 0
    const handle = handleOf(async () => `token-${++fetches}`)
    await expect(call(handle, AbortSignal.abort(REASON))).rejects.toBe(REASON)
    expect(fetches).toBe(0)
  })
})

describe('a signal', () => {
  it('of the options is heard in place of that of the Request, and null hears none', async () => {
    const handle = handleOf(async () => 'token')
    const gone = AbortSignal.abort(REASON)
    const own = await handle.fetch(new Request(api.url), { signal: new AbortController().signal })
    const none = await handle.fetch(new Request(api.url, { signal: gone }), { signal: null })
    expect([own.status, none.status]).toEqual([200, 200])
    await Promise.all([own.text(), none.text()])
  })

  it('that lives on is left as it was', async () => {
    const { signal } = new AbortController()
    await abortable(Promise.resolve(), signal)
    await expect(abortable(Promise.reject(REASON), signal)).rejects.toBe(REASON)
    await expect(abortable(new Promise(() => {}), AbortSignal.abort(REASON))).rejects.toBe(REASON)
    await pause(1, signal)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})
