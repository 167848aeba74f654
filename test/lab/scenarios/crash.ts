import type { Scenario } from '../stage.ts'
import { firstCall, nextCall } from './calls.ts'

/** A crash takes the memory and leaves the temporary folder. */
export const crash: Scenario = {
  title: 'a crash keeps the file tier, though the table is out of reach',
  deployed: 'contacts',
  expects: () => [
    ...firstCall('A'),
    'A: kill',
    ...['A: invoke', 'A: init', 'api: called', 'A: answers 200 from file', 'A: freeze', 'A: kill'],
    'table: out of reach',
    ...['A: invoke', 'A: init', 'api: called', 'A: answers 200 from file', 'A: freeze'],
    ...nextCall('A', 'memory'),
    'table: 0 requests since the crash',
  ],
  async play({ lab, world, say }) {
    const one = lab.environment()
    await one.invoke()
    const before = world.tableRequests
    await one.kill()
    await one.invoke()
    await one.kill()
    world.gates.table.shut = true
    say('table: out of reach')
    await one.invoke()
    await one.invoke()
    say(`table: ${world.tableRequests - before} requests since the crash`)
  },
}
