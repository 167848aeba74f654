/** What `set`, `write`, `update`, `touch` and `delete` make of the entry that is stored. @module */

import type { Entry } from '../contracts.ts'
import { misuse } from '../lib/options.ts'
import { MAX_TAGS } from './envelope.ts'
import type { Cached, DataSource, Home, Item } from './home.ts'
import type { Under } from './judge.ts'
import { cachedOf, checkTags, fingerprintOf, livesOf, underOf } from './load.ts'
import { checkRead } from './look.ts'
import { readTags } from './read-generations.ts'
import type { KeepOptions, Lives, Written } from './types.ts'
import { changeItem, type Draft } from './write.ts'
import { writeThrough } from './write-through.ts'

/** Writes a value, which counts as loaded now. */
export async function setValue<V>(
  home: Home,
  item: Item<V>,
  { value, keep }: { readonly value: V; readonly keep: KeepOptions },
): Promise<void> {
  const { source } = item
  const more = moreTags('set', item, keep)
  // The value is checked, copied by its schema and frozen in the call: what the caller changes later is not written.
  const loaded = { kind: 'value', value, keep, isPassing: false } as const
  const noTags = { tags: [], root: 0 }
  const { cached, ...life } = cachedOf(source, loaded, { previous: undefined, under: noTags, where: 'set' })
  const { server } = await home.reach()
  await changeItem(home, item, async () => {
    if (more.length > 0) await readTags(home, more, { key: item.slot.key })
    item.lateTags = more
    const under = underOf(home, [...item.tags, ...more])
    return draftOf(source, { ...cached, under }, { issuedAt: Math.ceil(server.interval().earliest), ...life })
  })
}

/** Calls the writer of the resource, and keeps what it returns. */
export async function writeTruth<V>(
  home: Home,
  item: Item<V>,
  {
    input,
    keep,
    timeout,
  }: { readonly input: unknown; readonly keep: KeepOptions; readonly timeout: number | undefined },
): Promise<Written<V>> {
  const { source, params } = item
  const { write } = source
  if (write === undefined) misuse('write', `bind ${source.name} with option "write"`)
  const more = moreTags('write', item, keep)
  livesOf('write', source, keep)
  const { server, policy } = await home.reach()
  if (more.length > 0) await readTags(home, more, { key: item.slot.key })
  return writeThrough(home, item, {
    timeout: timeout ?? policy.timeout,
    call: async (context) => (await write(params, input, context)) as V | undefined,
    begin() {
      const under = underOf(home, [...item.tags, ...more])
      return (value) => {
        const loaded = { kind: 'value', value, keep, isPassing: false } as const
        const { cached, ...life } = cachedOf(source, loaded, { previous: undefined, under, where: 'write' })
        return draftOf(source, cached, { issuedAt: Math.ceil(server.interval().earliest), ...life })
      }
    },
  })
}

/** Tags that a call names and the item has not got. Throws `TypeError` that names the field. */
function moreTags(where: string, item: Item, keep: KeepOptions): readonly string[] {
  const known = new Set(item.tags)
  const more = checkTags(where, keep.tags ?? []).filter((tag) => !known.has(tag))
  checkCount(where, known.size + more.length)
  return more
}

/** Throws `TypeError` where an entry would have more tags than can be read back. */
function checkCount(where: string, tags: number): void {
  if (tags > MAX_TAGS) misuse(where, `an entry may have at most ${MAX_TAGS} tags`)
}

/** Writes what a change makes of the value. Resolves to the value that holds now. */
export async function updateValue<V>(
  home: Home,
  item: Item<V>,
  { change, keep }: { readonly change: (value: V | undefined) => V | undefined; readonly keep: KeepOptions },
): Promise<V | undefined> {
  const { source } = item
  if (typeof change !== 'function') misuse('update', 'give a function that returns the new value')
  const more = moreTags('update', item, keep)
  const { server } = await home.reach()
  let after: V | undefined
  await changeItem(home, item, async (entry, found) => {
    checkRead(item as Item, found)
    const before = entry?.value.value
    after = change(before)
    if (after === undefined) {
      after = before
      return undefined
    }
    if (more.length > 0) await readTags(home, more, { key: item.slot.key })
    const under = underAfter(home, item, { entry, more })
    const mark = keep.mark ?? entry?.value.mark
    const loaded = { kind: 'value', value: after, keep: { ...keep, ...(mark !== undefined && { mark }) } } as const
    const made = cachedOf(source, { ...loaded, isPassing: false }, { previous: undefined, under, where: 'update' })
    after = made.cached.value
    const lives = livesAfter({ entry, keep }, { issuedAt: Math.ceil(server.interval().earliest), ...made })
    return { value: made.cached, fingerprint: fingerprintOf(source, made.cached), ...lives }
  })
  return after
}

/** What an updated value rests on: all that its old value rests on, and the tags that it has not got. Throws `TypeError`. */
function underAfter<V>(
  home: Home,
  item: Item<V>,
  { entry, more }: { readonly entry: Entry<Cached<V>> | undefined; readonly more: readonly string[] },
): Under {
  const now = underOf(home, [...item.tags, ...more])
  if (entry === undefined) return now
  const { under } = entry.value
  const known = new Set(under.tags.map(([tag]) => tag))
  const tags = [...under.tags, ...now.tags.filter(([tag]) => !known.has(tag))]
  checkCount('update', tags.length)
  return { ...under, tags }
}

/** The lives of an updated value: those of its old value, unless the call gives others or there was none. */
function livesAfter<V>(
  { entry, keep }: { readonly entry: Entry<Cached<V>> | undefined; readonly keep: KeepOptions },
  life: LifeFrom,
): Instants {
  const keepsLives = keep.fresh === undefined && keep.usable === undefined
  if (!keepsLives || entry?.value.value === undefined) return instantsFrom(life)
  const { issuedAt, softExpiry, hardExpiry } = entry
  return { issuedAt, softExpiry, hardExpiry }
}

/** Renews the lives of the value. Resolves to whether there is one. */
export async function touchValue<V>(home: Home, item: Item<V>, { fresh, usable }: Required<Lives>): Promise<boolean> {
  const { server } = await home.reach()
  let isThere = false
  await changeItem(home, item, async (entry, found) => {
    checkRead(item as Item, found)
    // That there is none has the life that `none` gives it.
    isThere = entry?.value.value !== undefined
    if (entry === undefined || !isThere) return undefined
    const now = Math.ceil(server.interval().earliest)
    const { value, fingerprint, issuedAt } = entry
    const { made: _made, ...cached } = value
    return { value: cached, fingerprint, issuedAt, softExpiry: now + fresh, hardExpiry: now + usable }
  })
  return isThere
}

/** Removes the values of several keys. */
export async function deleteValues<V>(home: Home, items: readonly Item<V>[]): Promise<void> {
  await Promise.all(items.map((item) => changeItem(home, item, async () => 'remove')))
}

interface LifeFrom extends Required<Lives> {
  readonly issuedAt: number
}

type Instants = Pick<Entry<unknown>, 'issuedAt' | 'softExpiry' | 'hardExpiry'>

function draftOf<V>(source: DataSource<V>, value: Cached<V>, life: LifeFrom): Draft<V> {
  return { value, fingerprint: fingerprintOf(source, value), ...instantsFrom(life) }
}

function instantsFrom({ issuedAt, fresh, usable }: LifeFrom): Instants {
  return { issuedAt, softExpiry: issuedAt + fresh, hardExpiry: issuedAt + usable }
}
