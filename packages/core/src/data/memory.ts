import { type Item, type Memory, USED_SINCE_SWEEP } from './home.ts'

/** What an item takes beside its value, in bytes: keys, slot, entry. */
const OVERHEAD = 600

/**
 * Makes a memory of at most `maxBytes`. The least recently used go first, by second chance (the clock algorithm): a hit sets a
 * bit and moves nothing. `forget` is called for each that went.
 */
export function createMemory(maxBytes: number, forget: (item: Item) => void): Memory {
  const items = new Map<string, Item>()
  let bytes = 0

  const remove = (item: Item): void => {
    items.delete(item.slot.key)
    bytes -= item.bytes
    forget(item)
  }

  const makeRoom = (keep: Item): void => {
    // Each item is passed over at most once before it goes.
    for (let left = 2 * items.size; bytes > maxBytes && left > 0; left -= 1) {
      const oldest = items.values().next().value
      if (oldest === undefined) return
      const isBusy = oldest === keep || oldest.changing > 0 || oldest.slot.rare?.flight !== undefined
      if (!isBusy && (oldest.used & USED_SINCE_SWEEP) === 0) {
        remove(oldest)
        continue
      }
      oldest.used &= ~USED_SINCE_SWEEP
      items.delete(oldest.slot.key)
      items.set(oldest.slot.key, oldest)
    }
  }

  return {
    get: (key) => items.get(key),
    add(item) {
      items.set(item.slot.key, item)
      item.bytes = OVERHEAD
      bytes += item.bytes
      makeRoom(item)
    },
    resize(item) {
      if (items.get(item.slot.key) !== item) return
      const before = item.bytes
      item.bytes = OVERHEAD + 2 * (item.slot.entry?.value.length ?? 0)
      bytes += item.bytes - before
      if (item.bytes > before) makeRoom(item)
    },
    items: () => items.values(),
    bytes: () => bytes,
    size: () => items.size,
  }
}
