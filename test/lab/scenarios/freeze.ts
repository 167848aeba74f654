import type { Scenario } from '../stage.ts'
import { callWhenStale, firstCall, nextCall } from './calls.ts'

/** Time in which an environment that does not wait for its refresh would have been frozen, in ms. */
const ENOUGH = 300

/** A refresh is in progress when the handler has finished. */
export const freezeInFlight: Scenario = {
  title: 'a refresh in the background of the handler is finished before the freeze',
  deployed: 'contacts',
  expects: () => [
    ...firstCall('A'),
    'time: 55 minutes later',
    // The API is called with the stale token while the issuer thinks; the answer and the freeze come after the refresh.
    ...['A: thaw', 'A: invoke', 'issuer: asked', 'api: called', 'time: 0.3 s have passed', 'issuer: released'],
    ...['A: answers 200 from memory', 'A: freeze'],
    ...nextCall('A', 'memory'),
    'table: 0 requests since the refresh',
  ],
  async play(stage) {
    const { world, wait, say } = stage
    const { one, issuer, api, answer } = await callWhenStale(stage)
    await api.answered
    await wait(ENOUGH)
    issuer.release()
    await answer
    const before = world.tableRequests
    await one.invoke()
    say(`table: ${world.tableRequests - before} requests since the refresh`)
  },
}
