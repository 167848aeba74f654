import type { Fault, FaultProxy } from '@warmtoken/local'
import type { StoreFaultKind, StoreFaults } from '@warmtoken/testing/store'

const ON_THE_WAY: Partial<Record<StoreFaultKind, Fault>> = {
  'lost-request': { kind: 'reset', when: 'before' },
  'lost-reply': { kind: 'reset', when: 'after' },
  hang: { kind: 'hang', when: 'after' },
  'truncated-reply': { kind: 'truncate', when: 'after' },
  duplicate: { kind: 'duplicate', when: 'before' },
}

/** The suite's faults, brought about by a proxy; `answers` are the backend's own words for those that it makes itself. */
export function proxiedFaults(proxy: FaultProxy, answers: Partial<Record<StoreFaultKind, Fault>>): StoreFaults {
  return {
    inject(kind, times) {
      const fault = ON_THE_WAY[kind] ?? answers[kind]
      if (fault === undefined) return false
      let left = times
      proxy.rules.push(() => {
        left -= 1
        return left >= 0 ? fault : undefined
      })
      return true
    },
    heal() {
      proxy.rules.length = 0
    },
  }
}
