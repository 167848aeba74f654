import type { Entry } from '../../contracts.ts'
import type { Failure } from '../../record/record.ts'
import type { Ask, Parts, Slot } from '../context.ts'
import { compactEntry } from '../packed-entry.ts'
import { asideOf } from '../slot.ts'
import { keep } from '../time/keep.ts'
import { book, budgetFreeAt } from '../time/mint-budget.ts'
import { createServerClock } from '../time/server-clock.ts'
import { callSource } from './call-source.ts'
import { nextFailure, refuseByBudget, rememberFailure, secretOf } from './cool-down.ts'
import { makeEntry } from './make-entry.ts'
import { writeFile } from './sealing.ts'

/** The store cannot be used: single flight and the cool-down of this environment are all that holds it back. */
export async function fetchAlone<T>(parts: Parts, slot: Slot<T>, ask: Ask, signal: AbortSignal): Promise<Entry<T>> {
  const server = parts.server.latest() === undefined ? wallServer(parts) : parts.server
  const time = Math.min(parts.policy.sourceTimeout, ask.timeout)
  const askedAt = server.earliest() ?? 0
  const alone = slot.aside?.alone
  // Between calls the store may be heard of again, so the pause of this environment is kept apart from what the record says.
  if (alone !== undefined && parts.clock.fast() < alone.until && !(await isAnotherSecret(parts, slot, alone.failure)))
    throw rememberFailure(parts, slot, alone.failure, alone.failure.secret)
  bookAlone(parts, slot, server.latest() ?? 0)
  const nonce = parts.runtime.unique()
  const fetched = await callSource(parts, slot, ask, {
    time,
    nonce,
    signal,
    previous: slot.entry?.value,
    spends: undefined,
    alone: true,
  })
  if (fetched.outcome === 'failed') {
    if (fetched.curtailed) throw fetched.error
    const failure = nextFailure(parts, alone?.failure, fetched.what, fetched.secret)
    const pause = failure.notBefore - (server.latest() ?? 0)
    asideOf(slot).alone = { failure, until: parts.clock.fast() + pause }
    throw rememberFailure(parts, slot, failure, fetched.secret, fetched.error)
  }
  if (slot.aside) slot.aside.alone = undefined
  const entry = compactEntry(makeEntry(parts, slot, fetched.issued, askedAt))
  keep(parts, slot, { entry, tier: 'source', server })
  await writeFile(parts, slot, server)
  return entry
}

async function isAnotherSecret(parts: Parts, slot: Slot<unknown>, failure: Failure): Promise<boolean> {
  return failure.kind === 'refused' && (await secretOf(parts, slot)) !== failure.secret
}

/** Without the record, the budget is what this environment knows of it. */
function bookAlone(parts: Parts, slot: Slot<unknown>, now: number): void {
  const { mintBudget } = slot.subject.source.traits ?? {}
  if (mintBudget === undefined) return
  const aside = asideOf(slot)
  const freeAt = budgetFreeAt(aside.booked, mintBudget)
  if (now < freeAt) throw refuseByBudget(parts, slot, freeAt)
  aside.booked = book(aside.booked, now, mintBudget)
}

/** This machine's wall clock in the place of a server that has not been heard yet. Good for durations only. */
function wallServer(parts: Parts): ReturnType<typeof createServerClock> {
  const server = createServerClock(parts.clock)
  const wall = parts.runtime.wall()
  server.adopt(wall, wall)
  return server
}
