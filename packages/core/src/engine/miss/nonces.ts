import type { Acquiring, Slot } from '../context.ts'
import { asideOf } from '../slot.ts'

/** How many unanswered acquires are remembered. */
const MAX_NONCES = 32

/** Remembers an acquire that is about to be sent: should its answer be lost, the lease is known again by the nonce. */
export function rememberNonce(slot: Slot<unknown>, nonce: string, acquiring: Acquiring): void {
  const aside = asideOf(slot)
  aside.nonces ??= new Map()
  if (aside.nonces.size >= MAX_NONCES) aside.nonces.clear()
  aside.nonces.set(nonce, acquiring)
}

/** Forgets one; with the last one goes the map, which takes as much memory as the rest of the slot. */
export function forgetNonce({ aside }: Slot<unknown>, nonce: string): void {
  aside?.nonces?.delete(nonce)
  if (aside?.nonces?.size === 0) aside.nonces = undefined
}
