import { readFileSync } from 'node:fs'
import { createTokens, type Source, type Store, type TokenValue } from '@warmtoken/core'
import { memoryStore } from '@warmtoken/core/memory'
import { systemRuntime } from '@warmtoken/core/runtime'
import { describe, expect, it } from 'vitest'

/** What `cases.json` says of a case. Instants are relative to the server's time, except those beyond any lifetime. */
interface Case {
  readonly name: string
  readonly store?: string
  readonly exclusive?: boolean
  readonly schema?: number
  readonly damaged?: string
  readonly budget?: number
  readonly lease?: { readonly acquiredAt: number; readonly length: number }
  readonly failure?: {
    readonly kind: string
    readonly code?: string
    readonly count: number
    readonly notBefore: number
  }
  readonly value?: { readonly hardExpiry: number }
}

const CASES = JSON.parse(readFileSync(new URL('./cases.json', import.meta.url), 'utf8')) as readonly Case[]
const HOUR = 3_600_000
const LONGEST_LEASE = 900_000
const HOW = { signal: new AbortController().signal, consistent: true }

/** A store and environments on one clock that a test moves, so that a quarter of an hour passes at once. */
function stage({ exclusive = false }: Case) {
  let ahead = 0
  const runtime = {
    ...systemRuntime,
    wall: () => systemRuntime.wall() + ahead,
    monotonic: () => systemRuntime.monotonic() + ahead,
  }
  const store: Store = memoryStore({ wall: runtime.wall })
  const spent: string[] = []
  const shown: string[] = []
  const source: Source<TokenValue> = {
    kind: 'case',
    identity: () => 'app',
    traits: { mintBudget: 10 },
    ...(exclusive && { exclusive: { afterCrash: 'stop', spends: (before) => String(before?.chain ?? 'seed') } }),
    fetch: async ({ spends = 'a fetch' }) => {
      const chain = `refresh-${spent.push(spends)}`
      return { value: { value: `token-${spent.length}`, type: 'Bearer', chain }, lifetime: HOUR }
    },
  }
  const environment = () =>
    createTokens({
      store,
      runtime,
      directory: false,
      onEvent: (event) => shown.push(Object.values(event).join()),
    }).use(source)
  const advance = (ms: number) => {
    ahead += ms
  }
  return { runtime, store, spent, shown, environment, advance }
}

/** Puts the case in place of the record, its token expired, unless it is about the value. */
async function plant({ runtime, store, environment }: ReturnType<typeof stage>, one: Case): Promise<string> {
  const { key } = environment()
  const { image } = await store.read(key, HOW)
  const good = JSON.parse(image?.body ?? '{}')
  const now = runtime.wall()
  const instant = (given: number): number => (Math.abs(given) > 1e12 ? given : now + given)
  const expired = { softExpiry: now - 2, hardExpiry: now - 1 }
  const body = JSON.stringify({
    ...good,
    value: { ...good.value, ...(one.value ?? expired) },
    ...(one.lease && { lease: { nonce: 'planted', ...one.lease, acquiredAt: instant(one.lease.acquiredAt) } }),
    ...(one.failure && { failure: { code: 'x', ...one.failure, notBefore: instant(one.failure.notBefore) } }),
    ...(one.budget !== undefined && { budget: one.budget }),
    ...(one.schema !== undefined && { schema: one.schema }),
    ...(one.damaged !== undefined && { [one.damaged]: 'x' }),
  })
  await store.swap(key, { expected: image, body, tag: 'planted', keepUntil: now + HOUR }, HOW)
  return body
}

describe('a case of a planted record', () => {
  // The DynamoDB item is planted in real tables by damaged-records.test.ts.
  it.each(CASES.filter(({ store }) => store === undefined))('ends well: $name', async (one) => {
    const place = stage(one)
    const { environment, advance, spent, shown, store } = place
    await environment().get()
    const body = await plant(place, one)
    if (one.lease !== undefined) {
      await expect(environment().get({ timeout: 700 })).rejects.toMatchObject({ code: 'TIMEOUT' })
      advance(LONGEST_LEASE)
    }
    const coolsDown = one.failure !== undefined && one.failure.notBefore < 1e12
    const got = await environment()
      .get()
      .catch((error: unknown) => error as Error & { code: string })
    if (one.exclusive === true && one.schema !== undefined) {
      expect(got).toMatchObject({ code: 'STORE_UNREADABLE', message: expect.stringContaining('deploy the release') })
      expect(spent).toEqual(['seed'])
      expect((await store.read(environment().key, HOW)).image?.body).toBe(body)
      return
    }
    if (coolsDown) {
      expect(got).toBeInstanceOf(Error)
      expect(spent).toHaveLength(1)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
      for (const text of [String(got), ...shown]) expect(text).not.toMatch(/[\u0000-\u001f\u007f]/)
      advance(2_000)
    }
    const token = coolsDown ? await environment().get() : got
    expect(token).toMatchObject({ value: 'token-2' })
    expect(spent).toEqual(one.exclusive === true ? ['seed', 'refresh-1'] : ['a fetch', 'a fetch'])
    // One fetch has repaired it for everyone.
    expect((await environment().get()).value).toBe('token-2')
    expect(spent).toHaveLength(2)
  })
})
