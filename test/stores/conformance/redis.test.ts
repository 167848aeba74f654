import { redisBy, redisByOwned, redisClusterBy, SHARED } from '../backends/redis.ts'
import { runConformance } from '../run-conformance.ts'

const owned = (['ioredis', 'node-redis', 'iovalkey'] as const).flatMap((name) => [
  redisByOwned(name),
  redisClusterBy(name),
])
const shared = Object.entries(SHARED).map(([name, connect]) => redisBy(name, connect))

runConformance({ direct: [], proxied: [...owned, ...shared] })
