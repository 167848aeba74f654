import type { Scenario } from '../stage.ts'
import { callWhenStale, firstCall } from './calls.ts'

/** Time in which an environment that goes on would have published what the issuer gave, in ms. */
const ENOUGH = 300

/** The counterpart: shows that the lab freezes what nobody waits for, as Lambda does. */
export const unsettled: Scenario = {
  title: 'a refresh that nobody waits for is frozen halfway',
  deployed: 'unsettled',
  expects: () => [
    ...firstCall('A'),
    'time: 55 minutes later',
    ...['A: thaw', 'A: invoke', 'issuer: asked', 'api: called', 'A: answers 200 from memory', 'A: freeze'],
    // The issuer's answer is lost with a crash, and late after a thaw.
    ...['issuer: released', 'time: 0.3 s have passed', 'table: 0 requests since the freeze', 'A: kill'],
    'issuer: 2 requests for one token',
  ],
  async play(stage) {
    const { world, wait, say } = stage
    const { one, issuer, answer } = await callWhenStale(stage)
    await answer
    const before = world.tableRequests
    issuer.release()
    await issuer.answered
    await wait(ENOUGH)
    say(`table: ${world.tableRequests - before} requests since the freeze`)
    await one.kill()
    say(`issuer: ${world.tokenRequests} requests for one token`)
  },
}
