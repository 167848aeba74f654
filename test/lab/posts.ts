/** The posts of the example in the lab: who sees a new post when, how fast a cold list is, and how often it is a hit. */

import { fileURLToPath } from 'node:url'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { sessionCookie } from '@warmtoken/core/authenticate'
import { createSessions } from '@warmtoken/core/sessions'
import { bundle } from '@warmtoken/infra/bundle'
import { createTable } from '@warmtoken/infra/live-tables'
import { LOCAL_CREDENTIALS, startDynamoDB } from '@warmtoken/local'
import type { Environment } from './contracts.ts'
import { startGate } from './gate.ts'
import { startLab } from './lab.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const [CACHE, POSTS] = ['cache', 'posts']
/** The `recheck` of the example, in ms. */
const RECHECK = 5_000
/** One of so many requests writes a post, one opens a post, all others list. */
const MIX = 25

/** How a run is made. */
export interface PostsOptions {
  /** Environments of the mixed load. */
  readonly environments: number
  /** Requests of the mixed load. */
  readonly requests: number
  /** Cold environments whose first list is timed. */
  readonly cold: number
}

/** What was seen. Times are in ms. */
export interface PostsSeen {
  /** Whether the environment that wrote a post listed it with its next request. */
  readonly writerSees: boolean
  /** Of the others, how many listed it once `recheck` had passed, and how many there were. */
  readonly othersSee: number
  readonly others: number
  /** How long each cold environment took to answer its first list, which the cache held; Node had started. */
  readonly cold: readonly number[]
  /** How long the lists of the mixed load took. */
  readonly warm: readonly number[]
  /** Lists in the mixed load, and the queries of the database that they cost. */
  readonly lists: number
  readonly queries: number
  readonly failed: number
}

/** Plays the example in processes of the real runtime. */
export async function playPosts({ environments, requests, cold }: PostsOptions): Promise<PostsSeen> {
  const database = await startDynamoDB({ tables: [CACHE] })
  await createTable(database.url, POSTS, [
    ['pk', 'HASH'],
    ['sk', 'RANGE'],
  ])
  let queries = 0
  const gate = await startGate({
    target: database.url,
    onRequest({ headers }) {
      if (headers['x-amz-target'] === 'DynamoDB_20120810.Query') queries += 1
    },
  })
  const lab = await startLab({
    bundle: (await bundle(ROOT, ['functions/posts/posts.ts'])).files,
    handler: 'functions/posts/posts.handler',
    environment: {
      TOKEN_TABLE: CACHE,
      POST_TABLE: POSTS,
      // dynalite has none.
      POST_TRANSACTIONS: 'false',
      AWS_ENDPOINT_URL_DYNAMODB: gate.url,
      AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    },
  })
  try {
    const cookie = await signIn(database.url)
    const write = (one: Environment, text: string) => call(one, 'POST /posts', { body: text, cookies: [cookie] })
    const [writer, ...others] = Array.from({ length: environments }, () => lab.environment())
    if (writer === undefined) throw new Error('at least one environment is needed')

    await Promise.all([writer, ...others].map((one) => call(one, 'GET /posts')))
    await write(writer, 'first')
    const own = await call(writer, 'GET /posts')
    await new Promise((resolve) => setTimeout(resolve, RECHECK))
    const theirs = await Promise.all(others.map((one) => call(one, 'GET /posts')))

    const coldTimes: number[] = []
    for (let n = 0; n < cold; n += 1) {
      const one = lab.environment()
      await one.initialize()
      coldTimes.push((await call(one, 'GET /posts')).took)
      await one.kill()
    }

    queries = 0
    const load = await mixedLoad([writer, ...others], { requests, write })
    return {
      writerSees: lists(own.body, 'first'),
      othersSee: theirs.filter(({ body }) => lists(body, 'first')).length,
      others: others.length,
      cold: coldTimes,
      ...load,
      queries,
    }
  } finally {
    await lab.close()
    await gate.close()
    await database.close()
  }
}

/** Each environment takes the next request when it has answered: a write, a post that is opened, or a list. */
async function mixedLoad(
  environments: readonly Environment[],
  { requests, write }: { readonly requests: number; write(one: Environment, text: string): Promise<Called> },
): Promise<Pick<PostsSeen, 'warm' | 'lists' | 'failed'>> {
  const warm: number[] = []
  let id = ''
  let [next, failed] = [0, 0]
  const work = async (one: Environment): Promise<void> => {
    while (next < requests) {
      next += 1
      const turn = next % MIX
      if (turn === 1) {
        const { status, body } = await write(one, `post ${next}`)
        id = String(Object(body).id)
        if (status !== 201) failed += 1
      } else if (turn === 2 && id !== '') {
        const { status } = await call(one, 'GET /posts/{id}', { pathParameters: { id } })
        if (status !== 200) failed += 1
      } else {
        const { status, took } = await call(one, 'GET /posts')
        warm.push(took)
        if (status !== 200) failed += 1
      }
    }
  }
  await Promise.all(environments.map(work))
  return { warm, lists: warm.length, failed }
}

interface Called {
  readonly status: unknown
  readonly body: unknown
  readonly took: number
}

async function call(one: Environment, routeKey: string, more: object = {}): Promise<Called> {
  const startedAt = performance.now()
  const outcome = await one.invoke({ version: '2.0', routeKey, headers: {}, requestContext: {}, ...more })
  const took = performance.now() - startedAt
  if (outcome.status !== 'answered') return { status: outcome.status, body: outcome, took }
  const { statusCode, body } = Object(outcome.result)
  return { status: statusCode, body: JSON.parse(String(body)), took }
}

function lists(body: unknown, text: string): boolean {
  return Array.isArray(body) && body.some((post) => Object(post).text === text)
}

/** A session of the table that the functions use, as the cookie that a browser sends. */
async function signIn(endpoint: string): Promise<string> {
  const store = dynamoDBStore({ table: CACHE, endpoint, region: 'us-east-1', credentials: LOCAL_CREDENTIALS })
  const created = await createSessions<{ device: string }, { roles: readonly string[] }>({ store }).create(
    'ada',
    { device: 'lab' },
    { user: { roles: [] } },
  )
  return sessionCookie(created).split(';')[0] ?? ''
}
