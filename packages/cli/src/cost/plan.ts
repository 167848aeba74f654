/**
 * What a fleet costs in a month, by formulas: requests to the store and to the issuer for each placement, and without
 * warmtoken.
 *
 * @module
 */

import { bill, type CostLine, type Placement, placement } from './bill.ts'
import { type Prices, requestPrices } from './prices.ts'
import { type Load, type Usage, usageOf } from './usage.ts'

export type { CostLine, Placement } from './bill.ts'
export { type Audience, type LivePlan, planLive } from './live.ts'
export { ageWarning, type Backend, type Prices, readPrices, requestPrices } from './prices.ts'
export { type Load, MONTH, type Usage, usageOf } from './usage.ts'

/** What the requests of a placement cost. */
export interface Plan {
  readonly usage: Usage
  readonly placements: readonly Placement[]
}

/** What determines the bill. */
export interface Question extends Load {
  /** US dollars for 1,000 token requests. */
  readonly issuerPrice: number
}

/** Plans the bill of a month. The last placement is the one that asks the issuer for each invocation. */
export function planCost(question: Question, prices: Prices): Plan {
  const usage = usageOf(question)
  const issuer = (requests: number, formula: string): CostLine =>
    bill('token requests', { requests, each: question.issuerPrice / 1_000, formula })
  const stores = Object.entries(requestPrices(prices)).map(([name, { read, write }]) =>
    placement(name, [
      bill('reads', { requests: usage.reads, each: read, formula: 'cold reads + due reads' }),
      bill('writes', { requests: usage.writes, each: write, formula: '2 × token requests' }),
      issuer(usage.fetches, 'tokens × month ÷ cycle'),
    ]),
  )
  const alone = issuer(usage.fetchesAlone, 'tokens of all environments × (1 + renewals)')
  const each = issuer(question.invocations, 'invocations')
  return {
    usage,
    placements: [
      ...stores,
      placement('without warmtoken, a token in each environment', [alone]),
      placement('without warmtoken, a token for each invocation', [each]),
    ],
  }
}
