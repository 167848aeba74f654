/** Reading what was accepted and may not be in the truth yet. @module */

import type { BehindHome } from './home.ts'
import type { Journal, LatestWrite } from './journal.ts'
import { journalForm, look } from './records.ts'
import type { Loaded } from './types.ts'

/** The journal of a key as it is now. Rejects with `StoreError`. */
export async function readJournal(home: BehindHome, key: string): Promise<Journal> {
  const sight = await look(home.context, journalForm(key, null))
  home.sights.set(key, sight)
  return sight.value
}

/** What is newer: a loaded value, or what the journal holds. Rejects with `StoreError`. */
export async function newestOf(
  home: BehindHome,
  key: string,
  { journal, loaded }: { readonly journal: Journal; readonly loaded: Loaded<unknown> },
): Promise<unknown> {
  const open = ({ sealed, id }: LatestWrite): Promise<unknown> => home.values.open(sealed, key, id)
  const { merge } = home
  if (merge === undefined) {
    // Kept after it was applied, for a load that began before.
    const latest = journal.queue.at(-1) ?? journal.latest
    return latest !== undefined && latest.n > loaded.done ? open(latest) : loaded.value
  }
  let { value } = loaded
  for (const write of journal.queue.filter(({ n }) => n > loaded.done)) {
    const newer = await open(write)
    value = value === undefined ? newer : merge(value, newer)
  }
  return value
}
