/**
 * Hashes, lists, sets and counters on a cache: each in one record, changed by compare-and-swap. No change is lost, and none
 * is applied twice.
 *
 * @module
 */

export type { CollectionOptions, CollectionReadOptions, Expiring, ItemOptions } from './collection.ts'
export { type Counter, type CounterOptions, counter } from './counter.ts'
export { CollectionFullError } from './error.ts'
export { type Hash, type HashOptions, hash } from './hash.ts'
export { type List, type ListOptions, list } from './list.ts'
export { type MemberSet, set } from './set.ts'
