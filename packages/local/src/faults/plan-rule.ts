import type { Chance, FaultRule } from './fault.ts'

/**
 * Turns a plan of probabilities into a rule. At most one fault strikes a request, and every request draws exactly one
 * number, so that changing one probability does not shift the others' luck.
 *
 * @throws RangeError when a probability is not within 0 to 1 or they add up to more than 1.
 */
export function planRule(plan: readonly Chance[], random: () => number): FaultRule {
  const total = plan.reduce((sum, { probability }) => sum + probability, 0)
  // A hair above 1, because ten times 0.1 is not 1 in floating point.
  if (plan.some(({ probability }) => !(probability >= 0)) || !(total <= 1 + 1e-9)) {
    throw new RangeError(
      `The probabilities of a fault plan must be 0 to 1 and add up to at most 1; they add up to ${total}`,
    )
  }
  return () => {
    let rest = random()
    for (const { fault, probability } of plan) {
      if (rest < probability) return fault
      rest -= probability
    }
    return undefined
  }
}
