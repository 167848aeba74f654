import type { Aside, Slot } from './context.ts'

/** What a slot holds aside, made when there is nothing. */
export function asideOf<T>(slot: Slot<T>): Aside<T> {
  slot.aside ??= {}
  return slot.aside
}

/** Drops what is aside when nothing is left in it. */
export function tidyAside(slot: Slot<unknown>): void {
  if (Object.values(slot.aside ?? {}).every((one) => one === undefined)) slot.aside = undefined
}

/** Whether this environment knows that the API has refused the value. */
export function hasRefused({ aside }: Slot<unknown>, fingerprint: string): boolean {
  return aside?.rejected?.includes(fingerprint) === true
}
