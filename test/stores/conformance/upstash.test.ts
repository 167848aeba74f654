import { upstashByClient, upstashByDefaults, upstashOverMemory, upstashOverRedis } from '../backends/upstash.ts'
import { runConformance } from '../run-conformance.ts'

const local = [upstashOverMemory, upstashOverRedis, upstashByClient]

runConformance({ direct: [...local, upstashByDefaults], proxied: local })
