import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createCache } from '@warmtoken/core/data'
import { SourceRefusedError } from '@warmtoken/core/errors'
import { writeBehind } from '@warmtoken/core/write-behind'
import { createDatabase, type Draft } from './database.ts'

// The composition root of the posts: the one place that reads their environment.
const { env } = process
const need = (name: string): string => {
  const value = env[name]
  if (!value) throw new Error(`The environment variable ${name} is missing or empty`)
  return value
}

/** Invalidates every list of posts. */
export const POSTS = 'posts'

const store = dynamoDBStore({ table: need('TOKEN_TABLE'), env })
const database = createDatabase({
  table: need('POST_TABLE'),
  // Only for a local server without transactions.
  hasTransactions: env['POST_TRANSACTIONS'] !== 'false',
})

/** What the fleet shares. Others see a change within five seconds. */
export const cache = createCache({ name: 'posts', store, recheck: 5_000 })

/** One post. It is written through the cache: who opens it next finds it there. */
export const post = cache.use({
  key: 'post:{id}',
  name: 'post',
  fresh: 30_000,
  usable: 3_600_000,
  none: 5_000,
  load: ({ id }, { signal }) => database.read(String(id), signal),
  write: async ({ id }, draft: Draft, { signal }) => {
    const created = await database.create(String(id), draft, signal)
    // Nothing was written, so the cache need not doubt what it has.
    if (created.outcome === 'too-many')
      throw new SourceRefusedError('you have written too many posts', { code: 'TOO_MANY' })
    return created.post
  },
})

/** The newest posts: one query for the whole fleet, until someone posts. */
export const list = cache.use({
  key: 'list',
  name: 'list',
  fresh: 30_000,
  usable: 3_600_000,
  tags: () => [POSTS],
  load: (_params, { signal }) => database.list(signal),
})

/** Who opens a post counts as one view. A thousand views are one write to the database, by the schedule of `views.ts`. */
export const views = writeBehind({
  store,
  name: 'posts',
  key: 'views:{id}',
  merge: (older: number, newer: number) => older + newer,
  // One update of one item. A drain begins none that might not end within its time.
  applyTimeout: 3_000,
  apply: ({ id }, by: number, write) => database.addViews(String(id), by, write),
})
