import { expect, test } from 'vitest'
import { playPosts } from './posts.ts'

test('a new post is listed at once where it was written, elsewhere within recheck, and lists are hits', async () => {
  const seen = await playPosts({ environments: 3, requests: 100, cold: 1 })
  expect(seen).toMatchObject({ writerSees: true, othersSee: 2, others: 2, failed: 0 })
  expect(seen.queries / seen.lists).toBeLessThan(0.2)
}, 180_000)
