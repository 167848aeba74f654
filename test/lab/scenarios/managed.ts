import { fieldsOf, type Scenario } from '../stage.ts'

const WORKERS = 8
const CALLS = 64
const MINUTES = 600_000

/** A managed instance: worker threads with memories of their own, one temporary folder, many requests at once. */
export const managed: Scenario = {
  title: 'a managed instance of 8 workers asks once for 64 cold calls',
  deployed: 'patient',
  counted: true,
  // Which worker takes how many calls is not determined, and so is not from which tier they are answered.
  describe: (result) => `answers ${fieldsOf(result).status}`,
  expects: () =>
    [
      '1 × init',
      `${CALLS} × invoke`,
      '1 × issuer: asked',
      `${CALLS} × api: called`,
      `${CALLS} × answers 200`,
      `1 × workers: ${WORKERS}`,
    ].sort(),
  async play({ lab, say }) {
    const one = lab.environment({ concurrency: { invocations: CALLS, workers: WORKERS } })
    await one.initialize()
    const outcomes = await Promise.all(Array.from({ length: CALLS }, () => one.invoke({}, { timeout: MINUTES })))
    const threads = outcomes.map((outcome) =>
      outcome.status === 'answered' ? fieldsOf(outcome.result).thread : 'none',
    )
    say(`workers: ${new Set(threads).size}`)
  },
}
