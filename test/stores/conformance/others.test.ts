import { accounts } from '../backends/accounts.ts'
import { fronted, memory } from '../backends/in-process.ts'
import { runConformance } from '../run-conformance.ts'

runConformance({ direct: [memory, fronted, ...accounts], proxied: [] })
