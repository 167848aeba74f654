import { cachified } from '@epic-web/cachified'

/** What a handler would call. */
export const get = (): Promise<unknown> =>
  cachified({ key: 'key', cache: new Map(), ttl: 1, getFreshValue: async () => 'abc' })
