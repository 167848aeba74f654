import type { Json } from '../contracts.ts'
import type { ParamsOf } from '../data/key-template.ts'
import type { Cache } from '../data/types.ts'
import { MAX_VALUE_DEPTH } from '../data/value.ts'
import { canonical } from '../lib/key.ts'
import { checkOptions, misuse, oneOf, type Rule } from '../lib/options.ts'
import {
  COLLECTION_RULES,
  type CollectionOptions,
  type CollectionReadOptions,
  createCollection,
  type Expiring,
  ITEM_RULES,
  type ItemOptions,
} from './collection.ts'
import { CollectionFullError } from './error.ts'
import { isList, itemForm, MAX_ITEMS, type State } from './state.ts'

/** How a list is bound. */
export interface ListOptions<Template extends string, V> extends CollectionOptions<Template>, ItemOptions<V> {
  /** How many items it holds. Default and most: 1,000. */
  readonly max?: number
  /** What a push beyond `max` does. `refuse` (the default): it rejects. `drop`: items at the other end go. */
  readonly onFull?: 'refuse' | 'drop'
}

/** Items in order, such as a feed or a small queue. The left end is the start. */
export interface List<P, V> extends Expiring<P> {
  /** Puts items before all others, in the order given. Resolves to how many there are then. */
  pushLeft(params: P, ...items: readonly V[]): Promise<number>
  /** Puts items after all others. Resolves to how many there are then. */
  pushRight(params: P, ...items: readonly V[]): Promise<number>
  /** Takes the first item; `undefined` when there is none. No item is returned twice. */
  popLeft(params: P): Promise<V | undefined>
  /** Takes the last item; `undefined` when there is none. */
  popRight(params: P): Promise<V | undefined>
  /** The items from `start` to before `end`, as `Array.slice` counts. Default: all. Frozen. */
  range(
    params: P,
    options?: CollectionReadOptions & { readonly start?: number; readonly end?: number },
  ): Promise<readonly V[]>
  /** Removes each item that is the same JSON. Resolves to how many there were. */
  remove(params: P, item: V): Promise<number>
}

const indexRule: Rule = ['a whole number', (value) => Number.isSafeInteger(value)]
const RULES = {
  ...COLLECTION_RULES,
  ...ITEM_RULES,
  max: [
    `a whole number, 1 to ${MAX_ITEMS}`,
    (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MAX_ITEMS,
  ] as const,
  onFull: oneOf('refuse', 'drop'),
}

type End = 'left' | 'right'

/** Binds a list to a cache. Throws `TypeError` that names a wrong option. */
export function list<const Template extends string, V = Json>(
  cache: Cache,
  options: ListOptions<Template, V>,
): List<ParamsOf<Template>, V> {
  const given = checkOptions('list', options, RULES, ['key', 'usable'])
  const { schema, max = MAX_ITEMS, onFull = 'refuse', ...rest } = given
  const form = itemForm(given.key, schema)
  const collection = createCollection<ParamsOf<Template>, readonly Json[]>(cache, rest, {
    empty: [],
    parse: (json) => (isList(json) ? json : undefined),
  })
  const { read, change, expire, remaining, clear } = collection
  const views = new WeakMap<State<readonly Json[]>, readonly V[]>()
  const viewOf = (state: State<readonly Json[]>): readonly V[] => {
    const known = views.get(state)
    if (known !== undefined) return known
    const view = state.items.flatMap((json) => {
      const parsed = form.parse(json)
      return parsed === undefined ? [] : [parsed.value]
    })
    views.set(state, Object.freeze(view))
    return view
  }

  const push = async (params: ParamsOf<Template>, end: End, values: readonly V[]): Promise<number> => {
    const where = end === 'left' ? 'pushLeft' : 'pushRight'
    if (values.length === 0) misuse(where, 'give at least one item')
    const added = values.map((value) => form.print(where, value))
    return change(params, (before, key) => {
      const all = end === 'left' ? [...added, ...before] : [...before, ...added]
      if (all.length > max && onFull === 'refuse')
        throw new CollectionFullError(key, `${all.length} items, but at most ${max} are allowed`)
      const items = end === 'left' ? all.slice(0, max) : all.slice(-max)
      return { items, result: items.length }
    })
  }

  const pop = (params: ParamsOf<Template>, end: End): Promise<V | undefined> =>
    change(params, (before) => {
      const items = [...before]
      while (items.length > 0) {
        const json = end === 'left' ? items.shift() : items.pop()
        const parsed = json === undefined ? undefined : form.parse(json)
        if (parsed !== undefined) return { items, result: parsed.value }
      }
      return { result: undefined }
    })

  return {
    pushLeft: (params, ...items) => push(params, 'left', items),
    pushRight: (params, ...items) => push(params, 'right', items),
    popLeft: (params) => pop(params, 'left'),
    popRight: (params) => pop(params, 'right'),
    async range(params, how = {}) {
      const { start, end, ...rest } = checkRange(how)
      const state = await read(params, rest)
      const all = state === undefined ? [] : viewOf(state)
      return start === undefined && end === undefined ? all : Object.freeze(all.slice(start, end))
    },
    async remove(params, item) {
      const text = canonical(form.print('remove', item), MAX_VALUE_DEPTH)
      return change(params, (before) => {
        const items = before.filter((one) => canonical(one, MAX_VALUE_DEPTH) !== text)
        const result = before.length - items.length
        return result === 0 ? { result } : { items, result }
      })
    },
    expire,
    remaining,
    clear,
  }
}

function checkRange(how: { readonly start?: number; readonly end?: number; readonly live?: boolean }) {
  const { live, ...range } = how
  const checked = checkOptions('range', range, { start: indexRule, end: indexRule })
  return { ...checked, ...(live !== undefined && { live }) }
}
