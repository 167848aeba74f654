import type { Scenario } from '../stage.ts'

/** One environment, again and again. */
export const warm: Scenario = {
  title: 'a warm environment answers from memory and asks nobody',
  deployed: 'contacts',
  expects: () => [
    ...['A: init', 'A: invoke', 'issuer: asked', 'api: called', 'A: answers 200 from source', 'A: freeze'],
    ...['A: thaw', 'A: invoke', 'api: called', 'A: answers 200 from memory', 'A: freeze'],
    ...['A: thaw', 'A: invoke', 'api: called', 'A: answers 200 from memory', 'A: freeze'],
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
