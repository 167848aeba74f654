import type { Scenario } from '../stage.ts'

const MINUTES = 600_000

/** Many new environments want the same token at once. */
export const coldBurst: Scenario = {
  title: 'a burst of new environments costs one token request',
  deployed: 'patient',
  counted: true,
  expects: (environments) =>
    [
      `${environments} × init`,
      `${environments} × invoke`,
      '1 × issuer: asked',
      '1 × answers 200 from source',
      ...(environments > 1 ? [`${environments - 1} × answers 200 from store`] : []),
      `${environments} × api: called`,
      `${environments} × freeze`,
    ].sort(),
  async play({ lab, environments }) {
    const fleet = Array.from({ length: environments }, () => lab.environment())
    await Promise.all(fleet.map((one) => one.invoke({}, { timeout: MINUTES })))
  },
}
