/** `pnpm costs`: draws docs/costs.svg, the example of docs/costs.md. */
import { writeFile } from 'node:fs/promises'
import { planCost, readPrices } from '@warmtoken/cli/plan-cost'
import { draw } from '../run/picture.ts'

/** The load of the page. */
const LOAD = { invocations: 10_000_000, environments: 100, tokenLife: 3_600, environmentLife: 7_200, tokens: 1 }
/** Cognito, machine to machine, in US dollars for 1,000. */
const ISSUER_PRICE = 2.25

const { placements } = planCost({ ...LOAD, issuerPrice: ISSUER_PRICE }, await readPrices())
const picture = draw({
  title: '10 million invocations in 100 environments, a token an hour, Cognito',
  axis: 'US dollars a month',
  log: true,
  bars: placements.map(({ name, dollars }) => ({ name, value: dollars, ours: !name.startsWith('without') })),
})
await writeFile(new URL('../../docs/costs.svg', import.meta.url), picture)
console.log('written: docs/costs.svg')
