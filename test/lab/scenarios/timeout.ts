import type { Scenario } from '../stage.ts'
import { firstCall } from './calls.ts'

/** The function's time is over while it holds the lease and the issuer does not answer. */
export const timeOut: Scenario = {
  title: 'after a timeout under the lease another environment takes over',
  deployed: 'contacts',
  expects: () => [
    ...['A: init', 'A: invoke', 'issuer: asked', 'A: timeout'],
    ...firstCall('B'),
    ...['A: invoke', 'A: init', 'api: called', 'A: answers 200 from store', 'A: freeze'],
  ],
  async play({ lab, world }) {
    const [one, other] = [lab.environment(), lab.environment()]
    const { asked } = world.holdIssuer()
    await one.invoke({}, { expired: asked })
    // Waits for the end of the lease, about 6 s, and may need another second to be sure of it.
    await other.invoke({}, { timeout: 60_000 })
    await one.invoke()
  },
}
