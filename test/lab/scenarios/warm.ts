import type { Scenario } from '../stage.ts'
import { firstCall, nextCall } from './calls.ts'

/** One environment, again and again. */
export const warm: Scenario = {
  title: 'a warm environment answers from memory and asks nobody',
  deployed: 'contacts',
  expects: () => [
    ...firstCall('A'),
    ...nextCall('A', 'memory'),
    ...nextCall('A', 'memory'),
    'table: 0 requests since the first answer',
  ],
  async play({ lab, world, say }) {
    const one = lab.environment()
    await one.invoke()
    const before = world.tableRequests
    await one.invoke()
    await one.invoke()
    say(`table: ${world.tableRequests - before} requests since the first answer`)
  },
}
