/** Reading the generations that values are judged by, and taking in what a request has shown of them. @module */

import type { ReadOptions, Seen, Store } from '../contracts.ts'
import { attemptRead } from '../engine/miss/record-io.ts'
import type { Look } from '../engine/slot.ts'
import { NO_GENERATION, NO_ROOT, parseGeneration, parseRoot } from './generations.ts'
import type { Home } from './home.ts'
import { applyLimits, EARLY_SHARE, judgeAgain } from './verdict.ts'

/** Room above the server's time for numbers that are believed, in ms. */
const SLACK = 60_000

/** Reads generations, and the record of a key with them, by one consistent request where the store can. */
export async function readGenerations(
  home: Home,
  store: Store,
  { tags, options, key }: { readonly tags: readonly string[]; readonly options: ReadOptions; readonly key?: string },
): Promise<{ readonly found: ReadonlyMap<string, Seen>; readonly look: Look }> {
  const { clock } = home.context()
  const now = clock.fast()
  const { knowledge } = home
  // In a batch, what was checked a moment ago is not read again with the records: the look counts as of that check.
  const isKnown = (tag: string): boolean =>
    key !== undefined && home.gather.isOpen && knowledge.checkedAt(tag) > now - home.recheck * EARLY_SHARE
  const all = ['', ...tags]
  const unknown = all.filter((tag) => !isKnown(tag))
  const asOf = Math.min(now, ...all.filter(isKnown).map((tag) => knowledge.checkedAt(tag)))
  const keys = unknown.map((tag) => (tag === '' ? home.rootKey : home.tagKey(tag)))
  const found = await home.gather.read(store, key === undefined ? keys : [key, ...keys], {
    ...options,
    consistent: true,
  })
  observe(home, { found, sentAt: now, tags })
  return { found, look: { sentAt: now, asOf } }
}

/** Reads the generations of tags, and the root with them, outside a refresh. Rejects with `StoreError`. */
export async function readTags(
  home: Home,
  tags: readonly string[],
  { key = home.rootKey, attempts }: { readonly key?: string; readonly attempts?: number } = {},
): Promise<void> {
  const context = home.context()
  const { signal } = new AbortController()
  await attemptRead(context, { key, signal, attempts }, (inner) =>
    readGenerations(home, context.store, { tags, options: { signal: inner, consistent: true } }),
  )
}

/** Takes in what a request has shown of generations. */
export function observe(
  home: Home,
  {
    found,
    sentAt,
    tags,
  }: {
    readonly found: ReadonlyMap<string, Seen>
    readonly sentAt: number
    readonly tags: readonly string[]
  },
): void {
  const { knowledge, rootKey, tagKey, emit } = home
  const { clock, runtime } = home.context()
  const gotAt = clock.fast()
  const changed = new Set<string>()
  let hasFirst = false
  for (const tag of ['', ...tags]) {
    const recordKey = tag === '' ? rootKey : tagKey(tag)
    const seen = found.get(recordKey)
    if (seen === undefined) continue
    const latest = (seen.time?.at ?? runtime.wall()) + SLACK
    const body = seen.image?.body
    const before = knowledge.control
    const wasDamaged = isDamaged(home, tag)
    const observed =
      tag === ''
        ? knowledge.seeRoot({
            generation: body === undefined ? NO_ROOT : parseRoot(body, recordKey, latest),
            sentAt,
            gotAt,
            latest,
          })
        : knowledge.seeTag(tag, {
            generation: body === undefined ? NO_GENERATION : parseGeneration(body, recordKey, latest),
            sentAt,
            gotAt,
            latest,
          })
    // Until it is repaired, each look shows the same damage again.
    if (observed === 'garbage' && !wasDamaged) emit({ type: 'bad-generation', tag })
    if (observed === 'lost' && !wasDamaged) emit({ type: 'generation-lost', tag })
    if (knowledge.control !== before) emit({ type: 'control', control: knowledge.control })
    if (observed === 'first') hasFirst = true
    else if (observed !== 'same') changed.add(tag)
    if (knowledge.control !== before) changed.add(tag)
  }
  if (hasFirst) for (const item of home.alone) applyLimits(home, item)
  if (changed.size > 0) judgeAgain(home, changed)
}

/** Whether the record of a tag (`''`: the root) is damaged. */
export function isDamaged({ knowledge }: Home, tag: string): boolean {
  return (tag === '' ? knowledge.root : knowledge.tag(tag)) === 'damaged'
}
