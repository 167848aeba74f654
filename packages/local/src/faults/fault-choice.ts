import type { FaultCounts } from './fault.ts'

/** What every fault says of itself. */
interface AnyFault {
  readonly kind: string
  readonly when: string
}

/** Decides which request gets which fault, and counts. */
export interface FaultChoice<Request, F extends AnyFault> {
  /** Queues a fault for the next request that no earlier call has claimed; it comes before every rule. */
  next(fault: F): void
  /** Asked in order until one names a fault. */
  readonly rules: ((request: Request) => F | undefined)[]
  /** The fault for this request, which is counted. */
  choose(request: Request): F | undefined
  /** What was injected so far. */
  counts(): FaultCounts
}

/** Makes the choice of one proxy. */
export function createFaultChoice<Request, F extends AnyFault>(
  first?: (request: Request) => F | undefined,
): FaultChoice<Request, F> {
  const rules = first === undefined ? [] : [first]
  const queue: F[] = []
  const injected: Record<string, number> = {}
  let requests = 0

  const byRule = (request: Request): F | undefined => {
    for (const rule of rules) {
      const fault = rule(request)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  return {
    next: (fault) => void queue.push(fault),
    rules,
    choose(request) {
      requests += 1
      const fault = queue.shift() ?? byRule(request)
      if (fault === undefined) return undefined
      const name = `${fault.kind} ${fault.when}`
      injected[name] = (injected[name] ?? 0) + 1
      return fault
    },
    counts: () => ({ requests, injected: { ...injected } }),
  }
}
