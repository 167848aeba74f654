import { createCache } from '@warmtoken/core/data'
import { afterEach, describe, expect, it } from 'vitest'
import { dynalite, dynoxide } from '../stores/backends/dynamodb.ts'
import { s3StandIn } from '../stores/backends/s3.ts'
import { upstashOverMemory, upstashOverRedis } from '../stores/backends/upstash.ts'
import { onEach } from '../stores/each-backend.ts'

describe('a cache on a real store', () => {
  onEach([dynalite, dynoxide, s3StandIn, upstashOverMemory, upstashOverRedis], (stage) => {
    afterEach(() => {
      stage().proxy.rules.length = 0
    })

    const world = (url = stage().running.url ?? '') => {
      const name = `t-${crypto.randomUUID().slice(0, 8)}`
      const truth = { n: 1, loads: 0 }
      const environment = (recheck = 0, at = url) => {
        const cache = createCache({
          name,
          store: stage().running.connect(at),
          recheck,
          // Requests queue for long where the tests of others keep the processors busy.
          storeTimeout: 30_000,
          timeout: 60_000,
        })
        const project = cache.use({
          key: 'project:{id}:info',
          fresh: 600_000,
          tags: ({ id }) => [`owner:${id}`],
          load: async ({ id }, { keep }) => {
            truth.loads += 1
            return keep({ id, n: truth.n }, { tags: ['team:7'] })
          },
        })
        return { cache, project }
      }
      return { truth, environment }
    }

    it('loads once for two environments, and both see an invalidation by each means', async () => {
      const { truth, environment } = world()
      const [here, there] = [environment(), environment()]
      for (const what of [
        { tags: ['owner:42'] },
        { tags: ['team:7'] },
        { match: 'project:42:*' },
        { match: '*:info' },
        { everything: true },
      ]) {
        const { n } = truth
        expect(await here.project.get({ id: 42 })).toEqual({ id: 42, n })
        expect(await there.project.get({ id: 42 })).toEqual({ id: 42, n })
        expect(truth.loads).toBe(n)
        truth.n += 1
        await here.cache.invalidate(what)
        expect(await there.project.get({ id: 42 })).toEqual({ id: 42, n: n + 1 })
        expect(await here.project.get({ id: 42 })).toEqual({ id: 42, n: n + 1 })
      }
    })

    it('writes, updates, touches and deletes by key', async () => {
      const { truth, environment } = world()
      const [here, there] = [environment(), environment()]
      await here.project.set({ id: 1 }, { id: 1, n: 5 })
      expect(await there.project.get({ id: 1 })).toEqual({ id: 1, n: 5 })
      await there.project.update({ id: 1 }, (old) => old && { ...old, n: old.n + 1 })
      expect(await here.project.get({ id: 1 })).toEqual({ id: 1, n: 6 })
      expect(await here.project.touch({ id: 1 })).toBe(true)
      await there.project.delete({ id: 1 })
      expect(await here.project.get({ id: 1 })).toEqual({ id: 1, n: 1 })
      expect(truth.loads).toBe(1)
    })

    it('serves nothing that was invalidated while 15 % of all answers are lost', async () => {
      const { proxy } = stage()
      const { truth, environment } = world(proxy.url)
      let drawn = 0
      // Spread evenly, without luck: 3 of 20 requests.
      proxy.rules.push(() => ((drawn++ * 7) % 20 < 3 ? { kind: 'reset', when: 'after' } : undefined))
      const fleet = Array.from({ length: 5 }, () => environment())
      for (let round = 0; round < 5; round += 1) {
        const values = await Promise.all(fleet.map(({ project }) => project.get({ id: 42 })))
        for (const value of values) expect(value?.n).toBe(truth.n)
        truth.n += 1
        await fleet[round]?.cache.invalidate({ tags: ['owner:42'] })
      }
    })
  })
})
