import { LRUCache } from 'lru-cache'

/** What a handler would call. */
export const cache: unknown = new LRUCache<string, string>({ max: 100, ttl: 1_000 })
