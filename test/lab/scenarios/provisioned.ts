import type { Scenario } from '../stage.ts'
import { nextCall } from './calls.ts'

const TWO_DAYS = 48 * 3_600_000

/** Environments that were made ready long before anyone called, with the token fetched then. */
export const provisioned: Scenario = {
  title: 'a token fetched at provisioned initialization is not used days later',
  deployed: 'prefetching',
  expects: () => [
    ...['A: init', 'issuer: asked', 'A: freeze', 'B: init', 'B: freeze'],
    ...nextCall('A', 'memory'),
    'time: 2880 minutes later',
    ...['B: thaw', 'B: invoke', 'issuer: asked', 'api: called', 'B: answers 200 from source', 'B: freeze'],
    ...nextCall('A', 'store'),
  ],
  async play({ lab, later }) {
    const initialization = 'provisioned-concurrency'
    const [one, other] = [lab.environment({ initialization }), lab.environment({ initialization })]
    await one.initialize()
    await other.initialize()
    await one.invoke()
    later(TWO_DAYS)
    await other.invoke()
    await one.invoke()
  },
}
