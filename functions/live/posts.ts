import { randomUUID } from 'node:crypto'
import type { Store } from '@warmtoken/core'
import { type LiveVersion, nextVersion, printEvent } from '@warmtoken/core/live'

/** The topic of all posts. */
export const POSTS = 'tag:posts'
const KEY = 'posts~wall'
/** The posts that are kept, and the longest, in characters. */
const MAX_POSTS = 50
const MAX_TEXT = 280
const MAX_ATTEMPTS = 20
const KEEP = 30 * 86_400_000
const TIMEOUT = 2_000

/** A post. */
export interface Post {
  readonly id: string
  readonly by: string
  readonly text: string
  readonly likes: number
  readonly version: number
}

/** The wall of the example: one record, whose every write announces the post that it changed. */
export function createPosts(store: Store) {
  const read = async () => {
    const { image, time } = await store.read(KEY, { signal: AbortSignal.timeout(TIMEOUT), consistent: true })
    const posts = image === undefined ? [] : (JSON.parse(image.body) as readonly Post[])
    return { image, posts, now: time?.at ?? Date.now() }
  }

  /** Changes one post by compare-and-swap; `undefined` when there is none. */
  const change = async (id: string, next: (post: Post | undefined) => Omit<Post, 'version'> | undefined) => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const { image, posts, now } = await read()
      const before = posts.find((post) => post.id === id)
      const wanted = next(before)
      if (wanted === undefined) return undefined
      const post = { ...wanted, version: nextVersion(before?.version ?? 0, now) }
      const body = JSON.stringify([post, ...posts.filter((one) => one.id !== id)].slice(0, MAX_POSTS))
      const announce = printEvent({ topic: POSTS, key: id, version: post.version, kind: 'publish', at: now })
      const swap = { expected: image, body, tag: randomUUID(), keepUntil: now + KEEP, announce }
      const swapped = await store.swap(KEY, swap, { signal: AbortSignal.timeout(TIMEOUT) })
      if (swapped.outcome === 'swapped') return post
    }
    throw new Error('the posts took no change')
  }

  return {
    list: async () => (await read()).posts,
    add: (by: string, text: string) => {
      const id = randomUUID()
      return change(id, () => ({ id, by, text: text.slice(0, MAX_TEXT), likes: 0 }))
    },
    like: (id: string) => change(id, (post) => post && { ...post, likes: post.likes + 1 }),
    versions: async (): Promise<readonly LiveVersion[]> =>
      (await read()).posts.map(({ id, version }) => ({ topic: POSTS, key: id, version })),
  }
}
