import type { Scenario } from '../stage.ts'

/** Ten minutes before the end of its hour a token is stale, for every environment. */
const STALE = 55 * 60_000
/** Time in which an environment that does not wait for its refresh would have been frozen, in ms. */
const ENOUGH = 300

/** A refresh is under way when the handler has finished. */
export const freezeInFlight: Scenario = {
  title: 'a refresh beside the handler is finished before the freeze',
  deployed: 'contacts',
  expects: () => [
    ...['A: init', 'A: invoke', 'issuer: asked', 'api: called', 'A: answers 200 from source', 'A: freeze'],
    'time: 55 minutes later',
    // The API is called with the stale token while the issuer thinks; the answer and the freeze come after the refresh.
    ...['A: thaw', 'A: invoke', 'issuer: asked', 'api: called', 'time: 0.3 s have passed', 'issuer: released'],
    ...['A: answers 200 from memory', 'A: freeze'],
    ...['A: thaw', 'A: invoke', 'api: called', 'A: answers 200 from memory', 'A: freeze'],
    'table: 0 requests since the refresh',
  ],
  async play({ lab, world, later, wait, say }) {
    const one = lab.environment()
    await one.invoke()
    later(STALE)
    const [issuer, api] = [world.holdIssuer(), world.holdApi()]
    const answer = one.invoke()
    await issuer.asked
    api.release()
    await api.answered
    await wait(ENOUGH)
    issuer.release()
    await answer
    const before = world.tableRequests
    await one.invoke()
    say(`table: ${world.tableRequests - before} requests since the refresh`)
  },
}
