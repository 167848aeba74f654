import middy from '@middy/core'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'

const cache = new BentoCache({ default: 'one', stores: { one: bentostore().useL1Layer(memoryDriver({})) } })

/** The handler. */
export const handler: unknown = middy().handler(() => cache.getOrSet({ key: 'key', factory: async () => 'abc' }))
