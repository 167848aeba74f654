import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { redisStore } from '@warmtoken/adapters-redis'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import { createTokens, type Store } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { askIssuer, connectRedis } from './connections.ts'
import { type FleetVariant, HOUR, type Opened, type Wiring } from './wiring.ts'

/** Stores, and so connections, are those of the process; the toolkit on top is new each time. */
const stores = new Map<string, Store>()

async function open(wiring: Wiring, name: string, make: () => Store): Promise<Opened> {
  const store = stores.get(name) ?? make()
  stores.set(name, store)
  // Connected before the start, as the others are: a connection that was idle between two rounds is made again.
  await store.open?.()
  const source = custom<{ readonly key: string }>({
    identity: ({ key }) => key,
    fetch: async ({ params }) => ({ value: await askIssuer(wiring, params.key), lifetime: HOUR }),
  })
  // Hundreds of processes share few cores here, so all is given more time than where each has its own.
  const patience = { storeTimeout: 5_000, sourceTimeout: 10_000, timeout: 30_000 }
  const family = createTokens({ store, directory: false, ...patience }).use(source)
  return { get: async (key) => (await family.for({ key }).get()).value }
}

/** The name of the toolkit on the same server and by the same client as the bare loop. */
export const BY_TCP = 'warmtoken on Redis by TCP'

/** The toolkit on three stores. */
export const ours: readonly FleetVariant[] = [
  {
    name: BY_TCP,
    part: 'ours',
    open: async (wiring) => open(wiring, 'redis', () => redisStore({ connect: () => connectRedis(wiring) })),
  },
  {
    name: 'warmtoken on Redis by REST',
    part: 'ours',
    open: async (wiring) => open(wiring, 'upstash', () => upstashStore(wiring.upstash)),
  },
  {
    name: 'warmtoken on DynamoDB',
    part: 'ours',
    open: async (wiring) =>
      open(wiring, 'dynamodb', () =>
        dynamoDBStore({
          table: wiring.dynamoDB.table,
          endpoint: wiring.dynamoDB.url,
          region: 'eu-central-1',
          credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
        }),
      ),
  },
]
