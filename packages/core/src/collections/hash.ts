import type { Json } from '../contracts.ts'
import type { ParamsOf } from '../data/key-template.ts'
import type { Cache } from '../data/types.ts'
import { checkOptions } from '../lib/options.ts'
import {
  COLLECTION_RULES,
  type CollectionOptions,
  type CollectionReadOptions,
  createCollection,
  type Expiring,
  ITEM_RULES,
  type ItemOptions,
} from './collection.ts'
import { checkNames, isList, isName, itemForm, type State } from './state.ts'

/** How a hash is bound. */
export type HashOptions<Template extends string, V> = CollectionOptions<Template> & ItemOptions<V>

/** Fields with values, such as a cart. Any text is a field, `__proto__` and `constructor` included. */
export interface Hash<P, V> extends Expiring<P> {
  /** Sets a field. */
  set(params: P, field: string, value: V): Promise<void>
  /** Resolves to the value of a field; `undefined` when it is not set. */
  get(params: P, field: string, options?: CollectionReadOptions): Promise<V | undefined>
  /** All fields in an object without a prototype, in the order in which they were first set. Frozen. */
  getAll(params: P, options?: CollectionReadOptions): Promise<{ readonly [field: string]: V }>
  /** Resolves to how many of the fields were there. */
  deleteField(params: P, ...fields: readonly string[]): Promise<number>
}

type Fields = readonly (readonly [field: string, value: Json])[]

/** Binds a hash to a cache. Throws `TypeError` that names a wrong option. */
export function hash<const Template extends string, V = Json>(
  cache: Cache,
  options: HashOptions<Template, V>,
): Hash<ParamsOf<Template>, V> {
  const given = checkOptions('hash', options, { ...COLLECTION_RULES, ...ITEM_RULES }, ['key', 'usable'])
  const { schema, ...rest } = given
  const form = itemForm(given.key, schema)
  const collection = createCollection<ParamsOf<Template>, Fields>(cache, rest, {
    empty: [],
    parse: parseFields,
  })
  const views = new WeakMap<State<Fields>, { readonly [field: string]: V }>()
  const viewOf = (state: State<Fields> | undefined): { readonly [field: string]: V } => {
    const known = state && views.get(state)
    if (known !== undefined) return known
    const view = Object.create(null) as { [field: string]: V }
    for (const [field, json] of state?.items ?? []) {
      const parsed = form.parse(json)
      if (parsed !== undefined) view[field] = parsed.value
    }
    if (state !== undefined) views.set(state, view)
    return Object.freeze(view)
  }
  const { read, change, expire, remaining, clear } = collection

  return {
    async set(params, field, value) {
      checkNames('set', '"field"', [field])
      const json = form.print('set', value)
      await change(params, (fields) => {
        const isThere = fields.some(([name]) => name === field)
        const item = [field, json] as const
        const items = isThere ? fields.map((one) => (one[0] === field ? item : one)) : [...fields, item]
        return { items, result: undefined }
      })
    },
    async get(params, field, how) {
      checkNames('get', '"field"', [field])
      return viewOf(await read(params, how))[field]
    },
    getAll: async (params, how) => viewOf(await read(params, how)),
    async deleteField(params, ...fields) {
      checkNames('deleteField', 'each field', fields)
      const gone = new Set(fields)
      return change(params, (before) => {
        const items = before.filter(([name]) => !gone.has(name))
        const result = before.length - items.length
        return result === 0 ? { result } : { items, result }
      })
    },
    expire,
    remaining,
    clear,
  }
}

function parseFields(json: unknown): Fields | undefined {
  if (!isList(json)) return undefined
  const names = new Set<string>()
  for (const item of json) {
    const [name, value] = Array.isArray(item) ? (item as readonly Json[]) : []
    if (!isName(name) || value === undefined || names.has(name)) return undefined
    names.add(name)
  }
  return json as unknown as Fields
}
