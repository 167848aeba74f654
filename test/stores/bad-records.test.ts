import { createTokens, type WarmEvent } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { describe, expect, it } from 'vitest'
import type { Running } from './backends/backend.ts'
import { dynalite, dynoxide } from './backends/dynamodb.ts'
import { s3StandIn } from './backends/s3.ts'
import { upstashOverMemory, upstashOverRedis } from './backends/upstash.ts'
import { onEach } from './each-backend.ts'

const HOUR = 3_600_000
function how() {
  return { signal: AbortSignal.timeout(10_000), consistent: true }
}

/** An environment that has nothing but the store. */
function environment(running: Running, app: string) {
  const events: WarmEvent[] = []
  const store = running.connect(running.url ?? '')
  const source = custom({ identity: { app }, fetch: async () => ({ value: `token of ${app}`, lifetime: HOUR }) })
  const handle = createTokens({ store, directory: false, onEvent: (event) => events.push(event) }).use(source)
  return { store, handle, events }
}

/** What is there in place of a record, made from a good record's text. */
const BODIES: readonly (readonly [string, (good: string) => string])[] = [
  ['is empty', () => ''],
  ['is garbage', () => '\u0000\u0001 <html> 東京'],
  ['is cut short', (good) => good.slice(0, good.length / 2)],
  ['is of another schema', (good) => JSON.stringify({ ...JSON.parse(good), schema: 999 })],
  ['is that of another key', (good) => JSON.stringify({ ...JSON.parse(good), key: 'another~key' })],
  ['has a wrong number in it', (good) => JSON.stringify({ ...JSON.parse(good), epoch: 'first' })],
]

describe('a record that cannot be read is a miss, an event, and repaired', () => {
  onEach([dynalite, dynoxide, s3StandIn, upstashOverMemory, upstashOverRedis], (stage) => {
    it.each(BODIES)('when it %s', async (what, spoil) => {
      const { running } = stage()
      const app = `${what} ${crypto.randomUUID()}`
      const first = environment(running, app)
      await first.handle.get()
      const { key } = first.events.find((event) => event.type === 'publish') ?? { key: '' }
      const { image } = await first.store.read(key, how())
      const body = spoil(image?.body ?? '')
      const spoiled = { expected: image, body, tag: crypto.randomUUID(), keepUntil: Date.now() + HOUR }
      expect((await first.store.swap(key, spoiled, how())).outcome).toBe('swapped')

      const second = environment(running, app)
      expect((await second.handle.get()).tier).toBe('source')
      expect(second.events).toContainEqual(expect.objectContaining({ type: 'bad-record', key }))
      const third = environment(running, app)
      expect((await third.handle.get()).tier).toBe('store')
      expect(third.events.map(({ type }) => type)).toEqual(['hit'])
    })

    it('when someone else wrote it', async () => {
      const { running } = stage()
      const app = `foreign ${crypto.randomUUID()}`
      const { key } = await keyOf(running, app)
      await running.plant?.(key)
      const second = environment(running, app)
      expect((await second.handle.get()).tier).toBe('source')
      expect(second.events).toContainEqual(expect.objectContaining({ type: 'bad-record', key }))
      expect((await environment(running, app).handle.get()).tier).toBe('store')
    })
  })
})

/** The key of a source's token, learned from a store that holds nothing. */
async function keyOf(running: Running, app: string): Promise<{ key: string }> {
  const keys: string[] = []
  const { store } = environment(running, app)
  const spy = {
    ...store,
    read: async (key: string) => {
      keys.push(key)
      throw Object.assign(new Error('stop'), { code: 'STORE_DENIED', retryable: false })
    },
  }
  const source = custom({ identity: { app }, fetch: async () => ({ value: 'x', lifetime: HOUR }) })
  await createTokens({ store: spy, directory: false })
    .use(source)
    .get()
    .catch(() => undefined)
  return { key: keys[0] ?? '' }
}
