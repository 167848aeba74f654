import middy from '@middy/core'
import { BentoCache, bentostore } from 'bentocache'
import { dynamoDbDriver } from 'bentocache/drivers/dynamodb'
import { memoryDriver } from 'bentocache/drivers/memory'

const table = dynamoDbDriver({
  table: { name: 'tokens' },
  region: 'eu-central-1',
  endpoint: 'https://dynamodb.eu-central-1.amazonaws.com',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
})
const store = bentostore().useL1Layer(memoryDriver({})).useL2Layer(table)
const cache = new BentoCache({ default: 'one', stores: { one: store } })

/** The handler. */
export const handler: unknown = middy().handler(() => cache.getOrSet({ key: 'key', factory: async () => 'abc' }))
