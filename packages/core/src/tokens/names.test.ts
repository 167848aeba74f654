import { describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { SourceRefusedError } from '../errors.ts'
import type { WarmEvent } from '../events.ts'
import { createReport } from '../observe/report/report.ts'
import { custom } from '../sources/custom.ts'
import { createTokens } from './tokens.ts'

const HOUR = 3_600_000

function environment(fetch = async () => ({ value: 'a-token', lifetime: HOUR })) {
  const events: WarmEvent[] = []
  const tokens = createTokens({ directory: false, report: createReport(), onEvent: (event) => events.push(event) })
  return { tokens, events, source: custom({ identity: 'crm', fetch }) }
}

describe('the name of a token', () => {
  it('is on every event about it', async () => {
    const { tokens, events, source } = environment()
    const handle = tokens.use(source, { name: 'crm' })
    await handle.get()
    await handle.get()
    const about = events.filter((event) => 'key' in event)
    expect(about.length).toBeGreaterThan(3)
    expect(about.every((event) => event.name === 'crm')).toBe(true)
  })

  it('is no part of its identity', () => {
    const { tokens, source } = environment()
    expect(tokens.use(source, { name: 'crm' }).key).toBe(tokens.use(source).key)
  })

  it('is the label of its numbers in a report, and the kind is where there is none', async () => {
    const { tokens, source } = environment()
    await tokens.use(source, { name: 'Customer data' }).get()
    const fetch = async () => ({ value: 'another', lifetime: HOUR })
    await tokens.use(custom({ kind: 'erp', identity: 'erp', fetch })).get()
    const report = tokens.report()
    expect(Object.keys(report.sources)).toEqual(['Customer data', 'erp'])
    expect(String(report)).toContain('Customer data')
  })

  it('is on its errors, in the message before the key', async () => {
    const { tokens, source } = environment(async () => {
      throw new SourceRefusedError('no', { code: 'invalid_client' })
    })
    const handle = tokens.use(source, { name: 'crm' })
    for (let call = 0; call < 2; call += 1) {
      const error = await handle.get().catch((reason: unknown) => reason)
      expect(error).toMatchObject({ tokenName: 'crm', key: handle.key, code: 'invalid_client' })
      expect(String(error)).toContain(`the source refused "crm" (${handle.key}) (invalid_client)`)
      expect((error as Error).stack).toContain(`"crm" (${handle.key})`)
    }
  })

  it('is put on an error once, however many callers share it', async () => {
    const down: Store = {
      name: 'down',
      read: () => Promise.reject(Object.assign(new Error('no'), { code: 'STORE_DENIED', retryable: false })),
      swap: () => Promise.reject(new Error('no')),
    }
    const handle = createTokens({ directory: false, store: down, onEvent: () => {} }).use(
      custom({ identity: 'crm', fetch: async () => ({ value: 'a-token', lifetime: HOUR }) }),
      { name: 'crm' },
    )
    const errors = await Promise.all(Array.from({ length: 5 }, () => handle.get().catch((error: Error) => error)))
    expect(errors.map((error) => String(error).split('"crm"').length - 1)).toEqual([1, 1, 1, 1, 1])
  })

  it('is shared by the tokens of a family, whose keys tell them apart', async () => {
    const { tokens, events } = environment()
    const family = tokens.use(
      custom<{ shop: string }>({
        identity: ({ shop }) => shop,
        fetch: async ({ params }) => ({ value: params.shop, lifetime: HOUR }),
      }),
      { name: 'shops' },
    )
    await Promise.all(['north', 'south'].map((shop) => family.for({ shop }).get()))
    const fetched = events.filter((event) => event.type === 'fetch')
    expect(fetched.map(({ name }) => name)).toEqual(['shops', 'shops'])
    expect(new Set(fetched.map(({ key }) => key)).size).toBe(2)
  })

  it('is refused when it is empty, and so is an unknown option', () => {
    const { tokens, source } = environment()
    expect(() => tokens.use(source, { name: '' })).toThrow('"name"')
    expect(() => tokens.use(source, { nam: 'crm' } as never)).toThrow('"nam"')
  })
})

describe('a source that is bound again with the same identity', () => {
  it('takes the place of the one before for all handles of the token', async () => {
    const { tokens, source } = environment()
    const before = tokens.use(source)
    const token = await before.get()
    const after = tokens.use(custom({ identity: 'crm', fetch: async () => ({ value: 'newer', lifetime: HOUR }) }))
    expect(after.peek()?.value).toBe('a-token')
    expect((await before.reject(token)).value).toBe('newer')
  })
})

describe('a duration that looks like seconds', () => {
  const suspicious = (events: readonly WarmEvent[]) =>
    events.flatMap((event) => (event.type === 'suspicious-duration' ? [[event.option, event.ms]] : []))

  it.each([3_600, 3_599, 86_400])('is reported once as the lifetime of a token: %i ms', async (lifetime) => {
    const { tokens, events, source } = environment(async () => ({ value: 'a-token', lifetime }))
    const handle = tokens.use(source)
    await handle.reject(await handle.get()).catch(() => {})
    expect(suspicious(events)).toEqual([['lifetime', lifetime]])
  })

  it.each([3_600_000, 45_321, 30_000, 5_000])('is not seen in a lifetime of %i ms', async (lifetime) => {
    const { tokens, events, source } = environment(async () => ({ value: 'a-token', lifetime }))
    await tokens.use(source).get()
    expect(suspicious(events)).toEqual([])
  })

  it('is reported once as an option of the toolkit', async () => {
    const events: WarmEvent[] = []
    const tokens = createTokens({ directory: false, storeTimeout: 10, onEvent: (event) => events.push(event) })
    const fetch = async () => ({ value: 'a-token', lifetime: HOUR })
    await tokens.use(custom({ identity: 'one', fetch })).get()
    await tokens.use(custom({ identity: 'two', fetch })).get()
    expect(suspicious(events)).toEqual([['storeTimeout', 10]])
  })
})
