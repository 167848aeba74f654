import { asideOf } from './aside.ts'
import type { Acquiring, Slot } from './subject.ts'

/** How many unanswered acquires are remembered. */
const MAX_NONCES = 32

/** Remembers an acquire that is about to be sent: should its answer be lost, the lease is known again by the nonce. */
export const rememberNonce = (slot: Slot<unknown>, nonce: string, acquiring: Acquiring): void => {
  const aside = asideOf(slot)
  aside.nonces ??= new Map()
  if (aside.nonces.size >= MAX_NONCES) aside.nonces.clear()
  aside.nonces.set(nonce, acquiring)
}

/** Forgets one; with the last one goes the map, which takes as much memory as the rest of the slot. */
export const forgetNonce = ({ aside }: Slot<unknown>, nonce: string): void => {
  aside?.nonces?.delete(nonce)
  if (aside?.nonces?.size === 0) aside.nonces = undefined
}
