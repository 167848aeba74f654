import type { Process } from './process.ts'
import type { Schedule } from './schedule.ts'

/** The issuer calls of each lease. */
export interface IssuerCalls {
  /** A call begins. Returns what is wrong with it. */
  begin(nonce: string, process: Process, lease: AskedLease | undefined): string | undefined
  /** A call has ended. */
  end(nonce: string, failed: boolean): void
  /** Whether the issuer was ever asked under this lease. */
  has(nonce: string): boolean
}

/** A lease as it was asked for, in true time. */
export interface AskedLease {
  readonly process: Process
  readonly sentAt: number
  readonly length: number
}

/** How issuer calls are watched. */
export interface IssuerCallsOptions {
  readonly schedule: Schedule
  /** Whether a call spends what cannot be spent twice. */
  readonly spends: boolean
  readonly onSeen: (name: string) => void
}

/** Invariant I5: at most two calls of a lease; the second only for a source that spends nothing, after the first failed, in time. */
export function watchIssuerCalls({ schedule, spends, onSeen }: IssuerCallsOptions): IssuerCalls {
  const called = new Map<string, { count: number; failed: boolean }>()
  return {
    begin(nonce, process, lease) {
      const before = called.get(nonce)
      called.set(nonce, { count: (before?.count ?? 0) + 1, failed: false })
      if (before === undefined) return undefined
      onSeen('asked once more')
      if (spends || !before.failed || before.count > 1) return `${nonce} asked the issuer again`
      const late = lease !== undefined && schedule.now() > lease.sentAt + lease.length
      return late && process.freezes() === 0 ? `${nonce} asked the issuer again after its lease` : undefined
    },
    end(nonce, failed) {
      const call = called.get(nonce)
      if (call !== undefined) call.failed = failed
    },
    has: (nonce) => called.has(nonce),
  }
}
