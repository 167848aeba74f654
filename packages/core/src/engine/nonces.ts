import type { Acquiring, Slot } from './subject.ts'

/** How many unanswered acquires are remembered. */
const MAX_NONCES = 32

/** Remembers an acquire that is about to be sent: should its answer be lost, the lease is known again by the nonce. */
export const rememberNonce = (slot: Slot<unknown>, nonce: string, acquiring: Acquiring): void => {
  slot.nonces ??= new Map()
  if (slot.nonces.size >= MAX_NONCES) slot.nonces.clear()
  slot.nonces.set(nonce, acquiring)
}

/** Forgets one; with the last one goes the map, which takes as much memory as the rest of the slot. */
export const forgetNonce = (slot: Slot<unknown>, nonce: string): void => {
  slot.nonces?.delete(nonce)
  if (slot.nonces?.size === 0) slot.nonces = undefined
}
