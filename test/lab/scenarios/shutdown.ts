import type { Scenario } from '../stage.ts'
import { firstCall } from './calls.ts'

/** The platform ends environments. Nobody is asked, unless an extension is registered. */
export const shutdown: Scenario = {
  title: 'nothing depends on being told of a shutdown',
  deployed: 'contacts',
  expects: () => [
    ...firstCall('A'),
    ...['A: shutdown by SIGKILL', 'A: ended by SIGKILL'],
    ...['B: init', 'B: invoke', 'api: called', 'B: answers 200 from store', 'B: freeze'],
    // With an extension the signal comes, and nothing is in its way.
    ...['B: shutdown by SIGTERM', 'B: thaw', 'B: ended by SIGTERM'],
    ...['C: init', 'C: invoke', 'api: called', 'C: answers 200 from store', 'C: freeze'],
  ],
  async play({ lab, say }) {
    const [one, other, third] = [lab.environment(), lab.environment(), lab.environment()]
    await one.invoke()
    say(`A: ended by ${(await one.shutDown())?.signal}`)
    await other.invoke()
    say(`B: ended by ${(await other.shutDown({ extension: true }))?.signal}`)
    await third.invoke()
  },
}
