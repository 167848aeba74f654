import type { Scenario } from '../stage.ts'

/** Ten minutes before the end of its hour a token is stale, for every environment. */
const STALE = 55 * 60_000
/** Time in which an environment that goes on would have published what the issuer gave, in ms. */
const ENOUGH = 300

/** The counterpart: shows that the lab freezes what nobody waits for, as Lambda does. */
export const unsettled: Scenario = {
  title: 'a refresh that nobody waits for is frozen half-way',
  deployed: 'unsettled',
  expects: () => [
    ...['A: init', 'A: invoke', 'issuer: asked', 'api: called', 'A: answers 200 from source', 'A: freeze'],
    'time: 55 minutes later',
    ...['A: thaw', 'A: invoke', 'issuer: asked', 'api: called', 'A: answers 200 from memory', 'A: freeze'],
    // The issuer's answer is lost with a crash, and late after a thaw.
    ...['issuer: released', 'time: 0.3 s have passed', 'table: 0 requests since the freeze', 'A: kill'],
    'issuer: 2 requests for one token',
  ],
  async play({ lab, world, later, wait, say }) {
    const one = lab.environment()
    await one.invoke()
    later(STALE)
    const [issuer, api] = [world.holdIssuer(), world.holdApi()]
    const answer = one.invoke()
    await issuer.asked
    api.release()
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
