// Checks an entry in memory by DynamoDB, beside one consistent GetItem of the same record, in turns. Prints medians in ms, and how
// many checks a turn took.
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createCache } from '@warmtoken/core/data'
import { LOCAL_CREDENTIALS, startDynoxide } from '@warmtoken/local'
import { median } from '../run/numbers.ts'

const TURNS = 80
/** The bound on unchecked use, in ms, and the pause before each call: three of them, and the entry is due. */
const RECHECK = 120
const PAUSE = 30

/** What was measured, in ms. */
export interface RecheckTimes {
  readonly recheck: number
  readonly sdk: number
  readonly signed: number
  readonly checksEach: number
}

const server = await startDynoxide({ tables: ['tokens'] })
const place = { region: 'us-east-1', endpoint: server.url, credentials: LOCAL_CREDENTIALS }
const store = dynamoDBStore({ table: 'tokens', ...place })
const client = new DynamoDBClient(place)
let checks = 0
const cache = createCache({
  name: 'bench',
  store,
  recheck: RECHECK,
  onEvent: (event) => {
    if (event.type === 'recheck') checks += 1
  },
})
const project = cache.use({ key: 'project:{id}:info', fresh: 3_600_000, load: async ({ id }) => `project ${id}` })
const key = project.topicOf({ id: 42 }).slice('key:'.length)
await project.get({ id: 42 })

async function bySdk(): Promise<void> {
  const input = { TableName: 'tokens', Key: { pk: { S: key } }, ConsistentRead: true }
  if ((await client.send(new GetItemCommand(input))).Item === undefined) throw new Error('there is no such record')
}
async function signed(): Promise<void> {
  const { image } = await store.read(key, { consistent: true, signal: new AbortController().signal })
  if (image === undefined) throw new Error('there is no such record')
}

const times = { recheck: [] as number[], sdk: [] as number[], signed: [] as number[] }
async function time(name: keyof typeof times, call: () => Promise<unknown>): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE))
  const startedAt = performance.now()
  await call()
  times[name].push(performance.now() - startedAt)
}
for (let turn = 0; turn < TURNS; turn += 1) {
  await time('recheck', () => project.get({ id: 42 }))
  await time('sdk', bySdk)
  await time('signed', signed)
}
const found: RecheckTimes = {
  recheck: median(times.recheck),
  sdk: median(times.sdk),
  signed: median(times.signed),
  checksEach: checks / TURNS,
}
console.log(JSON.stringify(found))
client.destroy()
await server.close()
process.exit(0)
