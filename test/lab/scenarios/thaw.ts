import type { Scenario } from '../stage.ts'
import { firstCall } from './calls.ts'

const LIFE = 6_000

/** The token dies while the environment is frozen. The API is real, and refuses a dead one. */
export const thawExpired: Scenario = {
  title: 'a token that died in the freeze is never returned',
  deployed: 'contacts',
  tokenLifetime: LIFE,
  expects: () => [
    ...firstCall('A'),
    'time: 7 s have passed',
    ...['A: thaw', 'A: invoke', 'issuer: asked', 'api: called', 'A: answers 200 from source', 'A: freeze'],
    'api: refused 0 calls',
  ],
  async play({ lab, world, wait, say }) {
    const one = lab.environment()
    await one.invoke()
    await wait(LIFE + 1_000)
    await one.invoke()
    say(`api: refused ${world.refused} calls`)
  },
}
