import { createTokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { afterEach, describe, expect, it } from 'vitest'
import { dynalite } from './backends/dynamodb.ts'
import { s3StandIn } from './backends/s3.ts'
import { upstashOverMemory } from './backends/upstash.ts'
import { onEach } from './each-backend.ts'

function how() {
  return { signal: AbortSignal.timeout(10_000), consistent: true }
}
function write() {
  return { expected: undefined, body: 'x', tag: crypto.randomUUID(), keepUntil: Date.now() + 3_600_000 }
}

describe('a store that may not, or has nothing to stand on, says what to do', () => {
  onEach([dynalite, s3StandIn, upstashOverMemory], (stage) => {
    afterEach(() => {
      stage().proxy.rules.length = 0
    })

    it('when it is refused: the missing permission, once, and no issuer call', async () => {
      const { proxy, running } = stage()
      const store = running.connect(proxy.url)
      proxy.rules.push(() => running.answers.denied)
      const needs = {
        dynamodb: [/needs dynamodb:GetItem on this table/, /needs dynamodb:UpdateItem on this table/],
        s3: [/needs s3:GetObject on its objects, and s3:ListBucket on it/, /needs s3:PutObject on its objects/],
        upstash: [/allowed EVAL and EVALSHA/, /allowed EVAL and EVALSHA/],
      }[store.name]
      const denied = { code: 'STORE_DENIED', retryable: false }
      await expect(store.read('key', how())).rejects.toMatchObject({
        ...denied,
        message: expect.stringMatching(needs?.[0] ?? ''),
      })
      await expect(store.swap('key', write(), how())).rejects.toMatchObject({
        ...denied,
        message: expect.stringMatching(needs?.[1] ?? ''),
      })
      let fetches = 0
      const source = custom({
        identity: { app: 'refused' },
        fetch: async () => ({ value: `${++fetches}`, lifetime: 3_600_000 }),
      })
      const handle = createTokens({ store, directory: false }).use(source)
      await expect(handle.get()).rejects.toMatchObject({ name: 'StoreError', ...denied })
      expect(fetches).toBe(0)
    })

    it('when its table or bucket does not exist: the line that makes it', async ({ skip }) => {
      const { proxy, running } = stage()
      const fault = running.answers.missing
      if (fault === undefined) return skip('gap: a database that does not exist has no address')
      const store = running.connect(proxy.url)
      proxy.rules.push(() => fault)
      const line = { dynamodb: /"TableName: tokens" under resources/, s3: /"BucketName: tokens" under resources/ }[
        store.name
      ]
      const missing = { code: 'STORE_MISSING', retryable: false, message: expect.stringMatching(line ?? '') }
      await expect(store.read('key', how())).rejects.toMatchObject(missing)
      await expect(store.swap('key', write(), how())).rejects.toMatchObject(missing)
    })
  })

  onEach([dynalite], (stage) => {
    it('reads many one by one where the role lacks BatchGetItem', async () => {
      const { proxy, running } = stage()
      const store = running.connect(proxy.url)
      const wanted = write()
      await store.swap('there', wanted, how())
      const operations: (string | undefined)[] = []
      proxy.rules.push(({ headers }) => {
        const target = headers.find(([name]) => name.toLowerCase() === 'x-amz-target')?.[1].split('.')[1]
        operations.push(target)
        return target === 'BatchGetItem' ? running.answers.denied : undefined
      })
      for (let n = 0; n < 2; n += 1) {
        const found = await store.readMany?.(['there', 'absent'], how())
        expect(found?.get('there')?.image).toEqual({ body: 'x', tag: wanted.tag })
        expect(found?.has('absent')).toBe(true)
        expect(found?.get('absent')?.image).toBeUndefined()
      }
      expect(operations).toEqual(['BatchGetItem', 'GetItem', 'GetItem', 'GetItem', 'GetItem'])
    })
  })
})
