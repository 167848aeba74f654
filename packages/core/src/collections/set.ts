import type { ParamsOf } from '../data/key-template.ts'
import type { Cache } from '../data/types.ts'
import { checkOptions, misuse } from '../lib/options.ts'
import {
  COLLECTION_RULES,
  type CollectionOptions,
  type CollectionReadOptions,
  createCollection,
  type Expiring,
} from './collection.ts'
import { checkNames, isList, isName, type State } from './state.ts'

/** Texts without order and without repeats, such as who is online. */
export interface MemberSet<P> extends Expiring<P> {
  /** Resolves to how many of them were not in it before. */
  add(params: P, ...members: readonly string[]): Promise<number>
  /** Resolves to how many of them were in it. */
  remove(params: P, ...members: readonly string[]): Promise<number>
  /** Resolves to whether it is in it. */
  has(params: P, member: string, options?: CollectionReadOptions): Promise<boolean>
  /** All members, in the order in which they were added. Frozen. */
  all(params: P, options?: CollectionReadOptions): Promise<readonly string[]>
}

type Members = readonly string[]

/** Binds a set to a cache. Throws `TypeError` that names a wrong option. */
export function set<const Template extends string>(
  cache: Cache,
  options: CollectionOptions<Template>,
): MemberSet<ParamsOf<Template>> {
  const given = checkOptions('set', options, COLLECTION_RULES, ['key', 'usable'])
  const { read, change, expire, remaining, clear } = createCollection<ParamsOf<Template>, Members>(cache, given, {
    empty: Object.freeze([]),
    parse: parseMembers,
  })
  const views = new WeakMap<State<Members>, ReadonlySet<string>>()

  return {
    async add(params, ...members) {
      checkMembers('add', members)
      return change(params, (before) => {
        const items = [...new Set([...before, ...members])]
        const result = items.length - before.length
        return result === 0 ? { result } : { items, result }
      })
    },
    async remove(params, ...members) {
      checkMembers('remove', members)
      const gone = new Set(members)
      return change(params, (before) => {
        const items = before.filter((member) => !gone.has(member))
        const result = before.length - items.length
        return result === 0 ? { result } : { items, result }
      })
    },
    async has(params, member, how) {
      checkMembers('has', [member])
      const state = await read(params, how)
      if (state === undefined) return false
      const view = views.get(state) ?? new Set(state.items)
      views.set(state, view)
      return view.has(member)
    },
    all: async (params, how) => (await read(params, how))?.items ?? [],
    expire,
    remaining,
    clear,
  }
}

function checkMembers(where: string, members: readonly unknown[]): void {
  if (members.length === 0) misuse(where, 'give at least one member')
  checkNames(where, 'each member', members)
}

function parseMembers(json: unknown): Members | undefined {
  if (!isList(json) || !json.every(isName)) return undefined
  return new Set(json).size === json.length ? json : undefined
}
