import type { Exclusive } from '../contracts.ts'
import type { Intent } from './record.ts'

/** Tries that `retry-once` allows: the first one, whose holder vanished, and one more. */
const MAX_TRIES = 2

/**
 * Whether something may be spent although a holder that vanished may have spent it. `latest`: the server's time, at most,
 * by which it would be spent.
 */
export function maySpend(
  intent: Intent | undefined,
  spends: string,
  { afterCrash, latest }: Pick<Exclusive<unknown>, 'afterCrash'> & { readonly latest: number },
): boolean {
  if (intent === undefined || intent.fingerprint !== spends) return true
  if (intent.dead === true) return false
  if (afterCrash === 'repeat') return true
  if (afterCrash === 'stop') return false
  if (afterCrash === 'retry-once') return intent.tries < MAX_TRIES
  return latest <= intent.at + afterCrash.grace
}

/** The intent that an acquire writes ahead. `at`: the server's time, at least. */
export function intend(before: Intent | undefined, next: Pick<Intent, 'nonce' | 'fingerprint' | 'at'>): Intent {
  return before?.fingerprint === next.fingerprint
    ? { ...next, at: before.at, tries: before.tries + 1 }
    : { ...next, tries: 1 }
}

/** The intent once it is certain that its holder spent nothing: what was unresolved before it still is. */
export function withdraw(intent: Intent | undefined): Intent | undefined {
  return intent !== undefined && intent.tries > 1 ? { ...intent, tries: intent.tries - 1 } : undefined
}
