import { isTimeOfDay, zoneRule } from '../calendar/until.ts'
import { isFunction, misuse } from '../lib/options.ts'
import { asFields, type Fields, matches } from '../lib/parse.ts'
import type { FamilySource, HandleSource, Plan, PlannedItem, PlanOptions, ResourceSource } from './types.ts'

/** How many items a plan may have: all of them are in one record. */
const MAX_ITEMS = 200
/** How many times of the day an item may have. */
const MAX_TIMES = 24
/** How long a list may be. */
const MAX_LIST = 10_000
const MINUTE = 60_000
const DAY = 86_400_000
const YEAR = 366 * DAY
/** How many problems one error names. */
const MAX_PROBLEMS = 20
const UNITS: { readonly [unit: string]: number } = { m: MINUTE, h: 60 * MINUTE, d: DAY }

/** What is wrong with a plan, and where. */
export interface Problem {
  readonly path: readonly (string | number)[]
  readonly why: string
}

/** A plan, or all that is wrong with it. */
export type Checked =
  | { readonly outcome: 'plan'; readonly plan: Plan }
  | { readonly outcome: 'wrong'; readonly problems: readonly Problem[] }

/**
 * A plan of what is refreshed when. Throws `TypeError` that names every item and field that is wrong.
 *
 * @example
 * ```ts
 * const refreshes = plan({
 *   name: 'main',
 *   zone: 'Asia/Shanghai',
 *   items: [
 *     { name: 'board', source: board, params: { size: 100 }, every: 900_000, priority: 10 },
 *     { name: 'crm', source: crm, at: ['06:00', '18:00'] },
 *   ],
 * })
 * ```
 */
export function plan<const Sources extends readonly unknown[]>(options: PlanOptions<Sources>): Plan {
  const checked = checkPlan(options)
  if (checked.outcome === 'plan') return checked.plan
  return misuse(
    'plan',
    describeProblems(checked.problems, ({ path }) => describePath(path)),
  )
}

/** Problems as one text, each with its place. */
export function describeProblems(problems: readonly Problem[], placeOf: (problem: Problem) => string): string {
  const shown = problems.slice(0, MAX_PROBLEMS).map((problem) => `${placeOf(problem)} ${problem.why}`)
  const more = problems.length > MAX_PROBLEMS ? [`and ${problems.length - MAX_PROBLEMS} more`] : []
  return [...shown, ...more].join('; ')
}

/** The path as one would write it: `items[2].every`. */
export function describePath(path: Problem['path']): string {
  return (
    path
      .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
      .join('')
      .slice(1) || 'the plan'
  )
}

type Complain = (path: Problem['path'], why: string) => undefined

const isName = (value: unknown): value is string => matches(value, /^[\w.-]{1,64}$/)
const NAME = 'must be 1 to 64 letters, digits, ".", "_" or "-"'
const ITEM_FIELDS = ['name', 'source', 'params', 'list', 'every', 'at', 'priority', 'limit']

/** Checks a plan of untrusted form. `resolve` gives the source of an item; by default it is in the item itself. */
export function checkPlan(input: unknown, resolve: (source: unknown) => unknown = (source) => source): Checked {
  const problems: Problem[] = []
  const complain: Complain = (path, why) => void problems.push({ path, why })
  const fields = asFields(input) ?? {}
  if (asFields(input) === undefined) complain([], 'must be an object with "name" and "items"')
  refuseUnknown(fields, ['name', 'zone', 'items'], [], complain)
  const { name, zone = 'UTC', items } = fields
  if (!isName(name)) complain(['name'], NAME)
  const [zoneMust, isZone] = zoneRule
  if (!isZone(zone)) complain(['zone'], `must be ${zoneMust}`)
  const list = Array.isArray(items) ? (items as readonly unknown[]) : []
  if (list.length < 1 || list.length > MAX_ITEMS) complain(['items'], `must be a list of 1 to ${MAX_ITEMS}`)
  const planned = list.slice(0, MAX_ITEMS).flatMap((item, index) => checkItem(item, { index, resolve, complain }) ?? [])
  const firsts = new Map<unknown, number>()
  list.slice(0, MAX_ITEMS).forEach((item, index) => {
    const itemName = asFields(item)?.['name']
    const first = firsts.get(itemName)
    if (first === undefined) firsts.set(itemName, index)
    else if (isName(itemName)) complain(['items', index, 'name'], `"${itemName}" is also the name of items[${first}]`)
  })
  if (problems.length > 0 || !isName(name)) return { outcome: 'wrong', problems }
  return { outcome: 'plan', plan: { name, zone: String(zone), items: planned } }
}

function refuseUnknown(fields: Fields, known: readonly string[], path: Problem['path'], complain: Complain): void {
  for (const field of Object.keys(fields))
    if (!known.includes(field)) complain([...path, field], `is unknown; known are ${known.join(', ')}`)
}

interface Place {
  readonly index: number
  readonly resolve: (source: unknown) => unknown
  readonly complain: Complain
}

function checkItem(item: unknown, { index, resolve, complain }: Place): PlannedItem | undefined {
  const path = ['items', index]
  const fields = asFields(item)
  if (fields === undefined) return complain(path, 'must be an object')
  refuseUnknown(fields, ITEM_FIELDS, path, complain)
  const { name, params, list, priority = 0, limit = MAX_LIST } = fields
  if (!isName(name)) complain([...path, 'name'], NAME)
  if (typeof priority !== 'number' || !Number.isFinite(priority)) complain([...path, 'priority'], 'must be a number')
  if (!(Number.isSafeInteger(limit) && Number(limit) > 0)) complain([...path, 'limit'], 'must be a whole number > 0')
  const times = checkTimes(fields, path, complain)
  const refresh = refresherOf(resolve(fields['source']))
  if (refresh === undefined) {
    const given = typeof fields['source'] === 'string' ? `"${fields['source']}" is not known; ` : ''
    complain([...path, 'source'], `${given}must be a token handle, a token family or a resource`)
  }
  if (list !== undefined && params !== undefined) complain([...path, 'list'], 'cannot be combined with "params"')
  if (list !== undefined && !isFunction(list) && !Array.isArray(list))
    complain([...path, 'list'], 'must be a list of parameters, or a function that returns one')
  if (times === undefined || refresh === undefined) return undefined
  return {
    ...times,
    name: String(name),
    priority: Number(priority),
    limit: Number(limit),
    isList: list !== undefined,
    list: async () => listOf(list, params),
    refresh,
  }
}

/** The parameters of a run. Throws when the list is not one, or too long. */
async function listOf(list: unknown, params: unknown): Promise<readonly unknown[]> {
  if (list === undefined) return [params]
  const all: unknown = typeof list === 'function' ? await list() : list
  if (!Array.isArray(all) || all.length > MAX_LIST)
    throw new TypeError(`a list must have at most ${MAX_LIST} parameters`)
  return all as readonly unknown[]
}

function checkTimes(
  fields: Fields,
  path: Problem['path'],
  complain: Complain,
): Pick<PlannedItem, 'every' | 'at'> | undefined {
  const { every, at } = fields
  if ((every === undefined) === (at === undefined)) return complain(path, 'needs either "every" or "at"')
  if (every !== undefined) {
    const ms = toMs(every)
    const isGood = ms !== undefined && Number.isSafeInteger(ms) && ms >= MINUTE && ms <= YEAR
    return isGood
      ? { every: ms, at: [] }
      : complain([...path, 'every'], 'must be ms, at least 60000, or a text such as "15m", "2h", "1d"')
  }
  const all: readonly unknown[] = Array.isArray(at) ? at : [at]
  const isGood = all.length > 0 && all.length <= MAX_TIMES && all.every(isTimeOfDay)
  if (!isGood)
    return complain([...path, 'at'], `must be "HH:MM" or "HH:MM:SS", or a list of 1 to ${MAX_TIMES} such times`)
  return { every: DAY, at: all.map(String) }
}

function toMs(every: unknown): number | undefined {
  if (typeof every === 'number') return every
  const [, count = '', unit = ''] = /^(\d{1,6}) ?([mhd])$/.exec(String(every)) ?? []
  return count === '' ? undefined : Number(count) * (UNITS[unit] ?? 0)
}

/** How a source is refreshed; `undefined` when it is not one. */
function refresherOf(source: unknown): PlannedItem['refresh'] | undefined {
  const fields = asFields(source)
  if (isFunction(fields?.['for'])) {
    const family = source as FamilySource<unknown>
    return (params, { minLifetime, timeout }) => family.for(params).get({ minLifetime, timeout })
  }
  if (!isFunction(fields?.['get'])) return undefined
  if (isFunction(fields?.['reject'])) {
    const handle = source as HandleSource
    return (_params, { minLifetime, timeout }) => handle.get({ minLifetime, timeout })
  }
  const resource = source as ResourceSource<unknown>
  return (params, { maxAge, timeout }) => resource.get(params, { maxAge, timeout })
}
