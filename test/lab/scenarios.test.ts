import { describe, expect, test } from 'vitest'
import { scenarios } from './scenarios/all.ts'
import { play } from './stage.ts'

const ENVIRONMENTS = 30
const MINUTES = 600_000
const JWT = /eyJ[\w-]+\.[\w-]+/
const SECRET = 'only-for-the-lab'

// One after the other: a scenario's environments have the machine to themselves.
describe('in the Lambda lab', () => {
  for (const scenario of scenarios) {
    test(scenario.title, { timeout: MINUTES }, async () => {
      const { transcript, shown } = await play(scenario, ENVIRONMENTS)
      expect(transcript).toEqual(scenario.expects(ENVIRONMENTS))
      expect(shown).not.toMatch(JWT)
      expect(shown).not.toContain(SECRET)
    })
  }
})
