import type { StoreFaultKind, StoreFaults } from './subject.ts'

/** What goes wrong on the way, in the words of the proxies of `@warmtoken/local`. */
export type WayFault =
  | { readonly kind: 'reset'; readonly when: 'before' | 'after' }
  | { readonly kind: 'hang'; readonly when: 'after' }
  | { readonly kind: 'truncate'; readonly when: 'after' }
  | { readonly kind: 'duplicate'; readonly when: 'before' }

/** What is used of a proxy: `startFaultProxy` and `startTcpFaultProxy` return such ones. */
export interface ProgrammableProxy<F> {
  /** Asked for each request; emptied to heal. */
  readonly rules: { push(rule: () => F | WayFault | undefined): unknown; length: number }
  /** Breaks the open connections, where the proxy can. */
  breakConnections?(how: 'reset' | 'silence'): void
}

/** Which fault of the proxy each kind is, where the backend has no part in it. */
const ON_THE_WAY: Partial<Record<StoreFaultKind, WayFault>> = {
  'lost-request': { kind: 'reset', when: 'before' },
  'lost-reply': { kind: 'reset', when: 'after' },
  hang: { kind: 'hang', when: 'after' },
  'truncated-reply': { kind: 'truncate', when: 'after' },
  duplicate: { kind: 'duplicate', when: 'before' },
}

/**
 * The faults of the suite, brought about by a proxy before the backend. `answers`: the backend's own words for
 * `server-error`, `throttled`, `busy`, `denied` and `missing`; a kind that is left out is a gap.
 *
 * @example
 * ```ts
 * const proxy = await startTcpFaultProxy({ target: redis.port, isRequest: (chunk) => chunk.includes('EVALSHA') })
 * const faults = proxiedFaults(proxy, {
 *   denied: { kind: 'bytes', when: 'before', bytes: '-NOPERM this user has no permissions\r\n' },
 * })
 * ```
 */
export function proxiedFaults<F>(
  proxy: ProgrammableProxy<F>,
  answers: Partial<Record<StoreFaultKind, F>>,
): StoreFaults {
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
    breakConnections(how) {
      if (proxy.breakConnections === undefined) return false
      proxy.breakConnections(how)
      return true
    },
  }
}
