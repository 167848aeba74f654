import { CreateTableCommand, DynamoDBClient, PutItemCommand, waitUntilTableExists } from '@aws-sdk/client-dynamodb'
import { LOCAL_CREDENTIALS, type LocalServer, startDynamoDB, startDynoxide } from '@warmtoken/local'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Handler, startGateway } from '../accounts/gateway.test-server.ts'

const FILES = {
  'POST /sign-up': '../accounts/sign-up',
  'POST /sign-in': '../accounts/sign-in',
  'POST /posts': './posts',
  'GET /posts': './posts',
  'GET /posts/{id}': './posts',
  'POST /drain': './views',
}

interface Post {
  readonly id: string
  readonly by: string
  readonly text: string
}

/** The functions of one environment: modules of its own. */
async function startEnvironment() {
  vi.resetModules()
  const routes: Record<string, Handler> = {}
  for (const [route, file] of Object.entries(FILES))
    routes[route] = ((await import(`${file}.ts`)) as { handler: Handler }).handler
  const { port, close } = await startGateway(routes)
  const url = `http://127.0.0.1:${port}`
  const post = (path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`${url}${path}`, { method: 'POST', headers, body })
  return {
    close,
    post,
    list: async () => (await (await fetch(`${url}/posts`)).json()) as readonly Post[],
    read: (id: string) => fetch(`${url}/posts/${id}`),
    drain: () => post('/drain', ''),
    async signIn(name: string): Promise<string> {
      const headers = { 'content-type': 'application/json' }
      const user = JSON.stringify({ name, password: 'correct horse' })
      await post('/sign-up', user, headers)
      const answer = await post('/sign-in', user, headers)
      return answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    },
  }
}

async function createTable(endpoint: string): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials: LOCAL_CREDENTIALS })
  const keys = [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ] as const
  await client.send(
    new CreateTableCommand({
      TableName: 'posts',
      KeySchema: [...keys],
      AttributeDefinitions: keys.map(({ AttributeName }) => ({ AttributeName, AttributeType: 'S' })),
      BillingMode: 'PAY_PER_REQUEST',
    }),
  )
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: 'posts' })
}

const DATABASES: readonly (readonly [name: string, transactions: boolean, start: () => Promise<LocalServer>])[] = [
  ['dynoxide, by a transaction', true, () => startDynoxide({ tables: ['cache'] })],
  ['dynalite, by one conditional put', false, () => startDynamoDB({ tables: ['cache'] })],
]

describe.each(DATABASES)('posts on %s', (_name, transactions, start) => {
  let database: LocalServer | undefined
  let missing = ''
  let here: Awaited<ReturnType<typeof startEnvironment>>
  let there: Awaited<ReturnType<typeof startEnvironment>>
  beforeAll(async () => {
    try {
      database = await start()
    } catch (error) {
      missing = `SKIPPED: ${String(error)}`
      console.error(`\n*** ${missing}\n`)
      return
    }
    await createTable(database.url)
    const env = {
      TOKEN_TABLE: 'cache',
      POST_TABLE: 'posts',
      POST_TRANSACTIONS: String(transactions),
      AWS_ENDPOINT_URL_DYNAMODB: database.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    }
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    here = await startEnvironment()
    there = await startEnvironment()
  }, 60_000)
  beforeEach(({ skip }) => {
    if (missing !== '') skip(missing)
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await here?.close()
    await there?.close()
    await database?.close()
  })

  it('are listed at once where they were written, and opened at once everywhere', async () => {
    const cookie = await here.signIn('ada')
    expect(await here.list()).toEqual([])
    const answer = await here.post('/posts', 'Hello', { cookie })
    expect(answer.status).toBe(201)
    const created = (await answer.json()) as Post
    expect(created).toMatchObject({ by: 'ada', text: 'Hello' })
    expect((await here.list()).map(({ text }) => text)).toEqual(['Hello'])
    expect(await (await there.read(created.id)).json()).toEqual(created)
    expect((await there.list()).map(({ text }) => text)).toEqual(['Hello'])
  }, 60_000)

  it('are listed with the newest first', async () => {
    const cookie = await here.signIn('ada')
    for (const text of ['first', 'second']) expect((await here.post('/posts', text, { cookie })).status).toBe(201)
    expect((await here.list()).slice(0, 2).map(({ text }) => text)).toEqual(['second', 'first'])
  }, 60_000)

  it('are viewed by whom they are opened: the views wait in the store, and are added once', async () => {
    const cookie = await here.signIn('ada')
    const { id } = (await (await here.post('/posts', 'Look', { cookie })).json()) as Post
    for (const environment of [here, there, here]) expect((await environment.read(id)).status).toBe(200)
    await Promise.all([here.drain(), there.drain()])
    await here.drain()
    await (await import('./composition.ts')).cache.invalidate({ everything: true })
    expect(await (await there.read(id)).json()).toMatchObject({ views: 3 })
  }, 60_000)

  it('are written by users who are signed in, and by nobody else', async () => {
    expect((await here.post('/posts', 'Hello')).status).toBe(401)
    expect((await here.post('/posts', 'Hello', { cookie: '__Host-session=made.up' })).status).toBe(401)
  }, 60_000)

  it('count the posts of an author where there are transactions, and answer 429 beyond what one may write', async () => {
    const credentials = LOCAL_CREDENTIALS
    const client = new DynamoDBClient({ endpoint: database?.url ?? '', region: 'us-east-1', credentials })
    const Item = { pk: { S: 'author' }, sk: { S: 'busy' }, posts: { N: '1000' } }
    await client.send(new PutItemCommand({ TableName: 'posts', Item }))
    const before = await here.list()
    const answer = await here.post('/posts', 'Hello', { cookie: await here.signIn('busy') })
    expect(answer.status).toBe(transactions ? 429 : 201)
    expect((await here.list()).length - before.length).toBe(transactions ? 0 : 1)
  }, 60_000)

  it.each([
    ['an empty text', '  '],
    ['a text that is too long', 'x'.repeat(281)],
  ])(
    'answer 400 to %s',
    async (_what, text) => {
      const cookie = await here.signIn('ada')
      expect((await here.post('/posts', text, { cookie })).status).toBe(400)
    },
    60_000,
  )

  it.each(['0', '000000000-00000000', '%2e%2e'])(
    'answer 404 to the id %s',
    async (id) => {
      expect((await here.read(id)).status).toBe(404)
    },
    60_000,
  )
})
