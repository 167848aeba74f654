import { redisBy, redisClusterBy } from '../backends/redis.ts'
import { runConformance } from '../run-conformance.ts'

const local = (['ioredis', 'node-redis', 'iovalkey'] as const).flatMap((name) => [redisBy(name), redisClusterBy(name)])

runConformance({ direct: [], proxied: local })
