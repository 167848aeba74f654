/** The state of a plan, in one record, and how it changes. All pure. Instants are on the clock of the store's server. @module */

import { asFields, asText, asTime, parseJson } from '../lib/parse.ts'
import type { Boundaries } from './boundaries.ts'
import type { PlannedItem } from './types.ts'

/** The version of the format. */
const SCHEMA = 1
/** The longest code of a failure that is kept, in characters. */
const MAX_CODE = 64
/** The longest text of a state, in characters. */
const MAX_STATE = 262_144
/** A first failure is tried again after so long, in ms; then it doubles, up to the interval of the item. */
const FIRST_PAUSE = 60_000

/** What is known of an item. */
export interface ItemState {
  /** The last boundary that was done with; 0 for none. */
  readonly doneAt: number
  /** The boundary that a part of the list was refreshed for, and how many were; both 0 when there is none. */
  readonly partAt: number
  readonly cursor: number
  /** The code of the last failure in that part; empty when all went well. */
  readonly partCode: string
  /** Failures in a row, the code of the last, and until when it is not tried again. */
  readonly failures: number
  readonly code: string
  readonly notBefore: number
  /** When it last ended, well or not. */
  readonly endedAt: number
  /** The tick that has it, and until when. */
  readonly claim: { readonly by: string; readonly until: number } | undefined
}

/** The state of a plan: items by name. */
export type PlanState = ReadonlyMap<string, ItemState>

const NEW: ItemState = {
  doneAt: 0,
  partAt: 0,
  cursor: 0,
  partCode: '',
  failures: 0,
  code: '',
  notBefore: 0,
  endedAt: 0,
  claim: undefined,
}

/** The time on the server: between the two. */
export interface Interval {
  readonly earliest: number
  readonly latest: number
}

/** What is known of an item, also where it has never run. */
export function itemOf(state: PlanState, name: string): ItemState {
  return state.get(name) ?? NEW
}

/** An item whose turn it is, and for which boundary. */
export interface Due {
  readonly item: PlannedItem
  readonly boundary: number
}

/** Items that are due and that nobody has, in the order in which they run: by priority, then by lateness, then by name. */
export function dueItems(
  items: readonly PlannedItem[],
  {
    state,
    boundaries,
    now,
  }: { readonly state: PlanState; readonly boundaries: ReadonlyMap<string, Boundaries>; readonly now: Interval },
): readonly Due[] {
  return items
    .flatMap((item): readonly Due[] => {
      const known = itemOf(state, item.name)
      // A list that was started is completed first: its end would never be reached if each boundary started from its beginning.
      const boundary = known.partAt > 0 ? known.partAt : (boundaries.get(item.name)?.last ?? 0)
      const isFree = known.claim === undefined || now.earliest > known.claim.until
      return boundary > known.doneAt && isFree && now.earliest >= known.notBefore ? [{ item, boundary }] : []
    })
    .sort(
      (one, other) =>
        other.item.priority - one.item.priority ||
        one.boundary - other.boundary ||
        (one.item.name < other.item.name ? -1 : 1),
    )
}

function change(state: PlanState, name: string, what: Partial<ItemState>): PlanState {
  return new Map([...state, [name, { ...itemOf(state, name), ...what }]])
}

/** The state with an item in the hands of a tick. */
export function claim(state: PlanState, { item, boundary }: Due, by: string, until: number): PlanState {
  const { partAt, cursor, partCode } = itemOf(state, item.name)
  const part = partAt === boundary ? { partAt, cursor, partCode } : { partAt: boundary, cursor: 0, partCode: '' }
  return change(state, item.name, { ...part, claim: { by, until } })
}

/** How a list goes on: `until` is the new end of the claim, or `undefined` where the tick leaves it. */
export interface Progress {
  readonly by: string
  readonly cursor: number
  readonly partCode: string
  readonly until: number | undefined
}

/** The state with a part of a list done; the same state where another tick has it meanwhile. */
export function progress(state: PlanState, name: string, { by, cursor, partCode, until }: Progress): PlanState {
  if (itemOf(state, name).claim?.by !== by) return state
  return change(state, name, { cursor, partCode, claim: until === undefined ? undefined : { by, until } })
}

/** How a run ended. `code`: of its failure; empty when it went well. */
export interface Ending {
  readonly by: string
  readonly code: string
  readonly now: number
}

/** The state with a run ended; the same state where another tick has the item meanwhile. */
export function end(state: PlanState, { item, boundary }: Due, { by, code, now }: Ending): PlanState {
  const known = itemOf(state, item.name)
  if (known.claim?.by !== by || known.doneAt >= boundary) return state
  const rest = { partAt: 0, cursor: 0, partCode: '', endedAt: now, claim: undefined, code }
  if (code === '') return change(state, item.name, { ...rest, doneAt: boundary, failures: 0, notBefore: 0 })
  const failures = known.failures + 1
  const pause = Math.min(item.every, FIRST_PAUSE * 2 ** Math.min(failures - 1, 20))
  return change(state, item.name, { ...rest, failures, notBefore: now + pause })
}

/** The state as text, without items that the plan does not have. */
export function printState(key: string, state: PlanState, items: readonly PlannedItem[]): string {
  const known = items.flatMap(({ name }) => {
    const item = state.get(name)
    if (item === undefined) return []
    const { doneAt, partAt, cursor, partCode, failures, code, notBefore, endedAt, claim: held } = item
    return [
      [name, doneAt, partAt, cursor, partCode, failures, code, notBefore, endedAt, held?.by ?? '', held?.until ?? 0],
    ]
  })
  return JSON.stringify({ schema: SCHEMA, key, items: known })
}

/** The state in an untrusted text. What cannot be read counts as never run: it runs once more. */
export function parseState(text: string | undefined, key: string, latest: number): PlanState {
  const fields = text === undefined || text.length > MAX_STATE ? undefined : asFields(parseJson(text))
  const items = fields?.['schema'] === SCHEMA && fields['key'] === key ? fields['items'] : undefined
  const state = new Map<string, ItemState>()
  for (const row of Array.isArray(items) ? (items as readonly unknown[]) : []) {
    const parsed = Array.isArray(row) ? parseRow(row, latest) : undefined
    if (parsed !== undefined) state.set(parsed[0], parsed[1])
  }
  return state
}

/** How far beyond the server's time an instant may lie, in ms, before it counts as damage that must not stop an item. */
const SLACK = 366 * 86_400_000

function parseRow(row: readonly unknown[], latest: number): readonly [string, ItemState] | undefined {
  const name = asText(row[0], MAX_CODE)
  const [partCode, code, by] = [row[4], row[6], row[9]].map((text) => asText(text, MAX_CODE))
  const times = [1, 2, 3, 5, 7, 8, 10].map((place) => asTime(row[place]))
  const [doneAt, partAt, cursor, failures, notBefore, endedAt, until] = times
  const isWhole =
    times.every((time) => time !== undefined) && [name, partCode, code, by].every((text) => text !== undefined)
  if (!isWhole || name === undefined) return undefined
  const before = (time = 0, slack = 0): number => (time <= latest + slack ? time : 0)
  return [
    name,
    {
      doneAt: before(doneAt, FIRST_PAUSE),
      partAt: before(partAt, FIRST_PAUSE),
      cursor: cursor ?? 0,
      partCode: partCode ?? '',
      failures: failures ?? 0,
      code: code ?? '',
      notBefore: before(notBefore, SLACK),
      endedAt: endedAt ?? 0,
      claim: by === '' || by === undefined ? undefined : { by, until: before(until, 15 * FIRST_PAUSE) },
    },
  ]
}
