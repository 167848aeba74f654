import type { Scenario } from '../stage.ts'
import { nextCall } from './calls.ts'

/** The handler throws, because its API cannot be reached. */
export const handlerError: Scenario = {
  title: 'an error of the handler keeps the environment and its memory',
  deployed: 'contacts',
  expects: () => [
    ...['A: init', 'A: invoke', 'issuer: asked', 'A: fails with TypeError', 'A: freeze'],
    ...nextCall('A', 'memory'),
    'A: the same process',
  ],
  async play({ lab, world, say }) {
    const one = lab.environment()
    world.gates.api.shut = true
    await one.invoke()
    const { pid } = one
    world.gates.api.shut = false
    await one.invoke()
    say(one.pid === pid ? 'A: the same process' : 'A: another process')
  },
}
