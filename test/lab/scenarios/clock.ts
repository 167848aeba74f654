import type { Scenario } from '../stage.ts'

const HOURS = 2 * 3_600_000

/** The wall clock of an environment jumps, and nothing else does. */
export const clockStep: Scenario = {
  title: 'a clock that steps costs a look into the table, no token request',
  deployed: 'contacts',
  expects: () => [
    ...['A: init', 'A: invoke', 'issuer: asked', 'api: called', 'A: answers 200 from source', 'A: freeze'],
    'clock of A: 2 hours ahead',
    // It might as well have been frozen so long. The table knows better.
    ...['A: thaw', 'A: invoke', 'api: called', 'A: answers 200 from store', 'A: freeze'],
    ...['A: thaw', 'A: invoke', 'api: called', 'A: answers 200 from memory', 'A: freeze'],
    'clock of A: 2 hours behind',
    ...['A: thaw', 'A: invoke', 'api: called', 'A: answers 200 from memory', 'A: freeze', 'A: kill'],
    // The new process has no memory, and a file that was written in what is now the future.
    ...['A: invoke', 'A: init', 'api: called', 'A: answers 200 from file', 'A: freeze'],
  ],
  async play({ lab, say }) {
    const one = lab.environment()
    await one.invoke()
    lab.moveClock(HOURS)
    say('clock of A: 2 hours ahead')
    await one.invoke()
    await one.invoke()
    lab.moveClock(-HOURS)
    say('clock of A: 2 hours behind')
    await one.invoke()
    await one.kill()
    await one.invoke()
  },
}
