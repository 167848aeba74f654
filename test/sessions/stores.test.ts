import { createSessions } from '@warmtoken/core/sessions'
import { afterEach, describe, expect, it } from 'vitest'
import { dynalite, dynoxide } from '../stores/backends/dynamodb.ts'
import { s3StandIn } from '../stores/backends/s3.ts'
import { upstashOverMemory, upstashOverRedis } from '../stores/backends/upstash.ts'
import { onEach } from '../stores/each-backend.ts'

describe('sessions on a real store', () => {
  onEach([dynalite, dynoxide, s3StandIn, upstashOverMemory, upstashOverRedis], (stage) => {
    const environment = (url = stage().running.url ?? '') =>
      createSessions({
        store: stage().running.connect(url),
        limit: { most: 50, when: 'oldest-out' },
        // Requests queue for long where the tests of others keep the processors busy.
        storeTimeout: 30_000,
      })
    afterEach(() => {
      stage().proxy.rules.length = 0
    })

    it('say at construction whether the store may forget a revocation', () => {
      const events: unknown[] = []
      const store = stage().running.connect(stage().running.url ?? '')
      createSessions({ store, onEvent: (event) => events.push(event) })
      expect(events).toEqual(store.name === 'upstash' ? [{ type: 'store-forgets', store: 'upstash' }] : [])
    })

    it('are created, found, listed, rotated and revoked', async () => {
      const user = crypto.randomUUID()
      const [here, there] = [environment(), environment()]
      const { token, session } = await here.create(user, { device: 'laptop' }, { user: { roles: ['admin'] } })
      expect(await there.verify(token.value)).toEqual(session)
      const rotated = await there.rotate(token.value, { data: { device: 'phone' } })
      expect(await here.verify(token.value, { fresh: true })).toBeUndefined()
      expect(await here.verify(rotated?.token.value ?? '')).toMatchObject({ data: { device: 'phone' } })
      expect(await here.update(user, () => ({ roles: [] }))).toBe(true)
      expect((await there.list(user)).map(({ id, user: shared }) => [id, shared])).toEqual([
        [session.id, { roles: [] }],
      ])
      expect(await there.revoke(user, session.id)).toBe(true)
      expect(await here.verify(rotated?.token.value ?? '', { fresh: true })).toBeUndefined()
      expect(await here.list(user)).toEqual([])
    })

    it('keep all of fifty sign-ins of one user at once, while 15 % of all answers are lost', async () => {
      const { proxy } = stage()
      const user = crypto.randomUUID()
      let drawn = 0
      // Spread evenly, without luck: 3 of 20 requests.
      proxy.rules.push(() => ((drawn++ * 7) % 20 < 3 ? { kind: 'reset', when: 'after' } : undefined))
      const made = []
      const made5 = async () => {
        const { create } = environment(proxy.url)
        const tokens = []
        for (let n = 0; n < 5; n += 1) tokens.push((await untilDone(() => create(user))).token.value)
        return tokens
      }
      made.push(...(await Promise.all(Array.from({ length: 10 }, made5))).flat())
      proxy.rules.length = 0
      const last = environment()
      const listed = await last.list(user)
      expect(made).toHaveLength(50)
      for (const token of made) expect(await last.verify(token)).toBeDefined()
      expect(listed).toHaveLength(50)
    })

    it('stay revoked while renewals and rotations of them go on and 15 % of all answers are lost', async () => {
      const { proxy } = stage()
      const user = crypto.randomUUID()
      const first = environment()
      const tokens = []
      for (let n = 0; n < 4; n += 1) tokens.push((await first.create(user)).token.value)
      let drawn = 0
      proxy.rules.push(() => ((drawn++ * 7) % 20 < 3 ? { kind: 'reset', when: 'after' } : undefined))
      const rotating = tokens.map(async (token) => {
        const { rotate } = environment(proxy.url)
        const got = [token]
        for (let n = 0; n < 3; n += 1) {
          const next = await rotate(got.at(-1) ?? '', { grace: 60_000 }).catch(() => undefined)
          if (next !== undefined) got.push(next.token.value)
        }
        return got
      })
      const revoking = untilDone(() => environment(proxy.url).revokeAll(user))
      const [given] = await Promise.all([Promise.all(rotating), revoking])
      proxy.rules.length = 0
      const last = environment()
      expect(await last.list(user)).toEqual([])
      for (const token of given.flat()) expect(await last.verify(token)).toBeUndefined()
    })
  })
})

/** As a caller does that is told to try again. */
async function untilDone<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call()
    } catch (error) {
      if (attempt === 20) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
