import { describe, expect, it } from 'vitest'
import { TimeoutError } from '../errors.ts'
import { createCache } from './cache.ts'
import { countingStore, fakeTime } from './fake.test-data.ts'

describe('a load without the cache that gives no answer in time', () => {
  it.each([
    ['timeout', { timeout: 700 }, 700],
    ['sourceTimeout', {}, 2_000],
  ])('is a TimeoutError with the key, and names the remedy: %s', async (_remedy, options, ms) => {
    const time = fakeTime()
    const { store } = countingStore(time.now)
    const cache = createCache({ name: 'shop', store, runtime: time.runtime, sourceTimeout: 2_000, onEvent: () => {} })
    const project = cache.use({ key: 'project:{id}', fresh: 60_000, load: () => new Promise<string>(() => {}) })
    await cache.control({ enabled: false })
    const error: unknown = await time.run(project.get({ id: 1 }, options)).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({
      message: `the loader of project:{id} did not answer within ${ms} ms; raise "sourceTimeout" or "timeout"`,
      code: 'TIMEOUT',
      key: project.topicOf({ id: 1 }).slice('key:'.length),
      retryable: true,
    })
  })
})
