import { cachified } from '@epic-web/cachified'

/** What a handler would call. */
export function get(): Promise<unknown> {
  return cachified({ key: 'key', cache: new Map(), ttl: 1, getFreshValue: async () => 'abc' })
}
