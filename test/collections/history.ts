/** A history of changes to collections: who did what, what the store became, and whether the two agree. */

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Store } from '@warmtoken/core'
import { counter, hash, list, set } from '@warmtoken/core/collections'
import { createCache } from '@warmtoken/core/data'

/** How many records of each kind are changed, and by how many environments, each doing so many things at a time. */
const RECORDS = 3
const ENVIRONMENTS = 8
const AT_A_TIME = 2
/** Shares of the swaps whose answer is lost, and that land only later. */
const LOST = 0.1
const LATE = 0.01
const LATE_BY = 50

const KINDS = ['hash', 'list', 'set', 'counter'] as const
type Kind = (typeof KINDS)[number]

interface Operation {
  readonly kind: Kind
  readonly id: number
  readonly act: string
  readonly value: string
  outcome: 'acknowledged' | 'refused' | 'unknown'
  result: unknown
  /** Keys and tags of its swaps. */
  readonly swaps: { readonly key: string; readonly tag: string }[]
}

/** What a run did and what is wrong with it. */
export interface History {
  readonly violations: readonly string[]
  readonly counts: Readonly<Record<'operations' | 'writes' | 'lost' | 'late' | 'unknown' | 'refused', number>>
}

/** Runs mixed operations on stores that lose answers, and rebuilds the chain of writes of each record. */
export async function playHistory(
  connect: () => Store,
  { operations, random, name }: { readonly operations: number; readonly random: () => number; readonly name: string },
): Promise<History> {
  const current = new AsyncLocalStorage<Operation>()
  const expectedOf = new Map<string, string | undefined>()
  const doneBy = new Map<string, Operation>()
  const keys = new Map<string, string>()
  const counts = { operations: 0, writes: 0, lost: 0, late: 0, unknown: 0, refused: 0 }
  const landing = new Set<Promise<unknown>>()

  const recording = (store: Store): Store => ({
    ...store,
    async swap(key, swap, options) {
      note(key, swap)
      const draw = random()
      if (draw < LATE) {
        counts.late += 1
        const signal = AbortSignal.timeout(10_000)
        const landed = sleep(LATE_BY).then(() => store.swap(key, swap, { signal }))
        landing.add(landed.catch(() => {}))
        return { outcome: 'unknown', cause: undefined }
      }
      const swapped = await store.swap(key, swap, options)
      if (draw > LATE + LOST) return swapped
      counts.lost += 1
      return { outcome: 'unknown', cause: undefined }
    },
  })
  const note = (key: string, { tag, expected }: Parameters<Store['swap']>[1]): void => {
    const operation = current.getStore()
    if (operation === undefined) return
    operation.swaps.push({ key, tag })
    expectedOf.set(tag, expected?.tag)
    doneBy.set(tag, operation)
    keys.set(key, `${operation.kind} ${operation.id}`)
  }
  const environment = () => {
    const cache = createCache({ name, store: recording(connect()), storeTimeout: 10_000, onEvent: () => {} })
    const usable = 3_600_000
    return {
      hash: hash(cache, { key: 'hash:{id}', usable }),
      list: list(cache, { key: 'list:{id}', usable, max: 100, onFull: 'drop' }),
      set: set(cache, { key: 'set:{id}', usable }),
      counter: counter(cache, { key: 'counter:{id}', usable }),
    }
  }
  const fleet = Array.from({ length: ENVIRONMENTS }, environment)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const all: Operation[] = []

  const perform = async (own: ReturnType<typeof environment>): Promise<void> => {
    const kind = pick(KINDS)
    const id = Math.floor(random() * RECORDS)
    const acts = { hash: ['set', 'delete'], list: ['right', 'left', 'popLeft', 'popRight'], set: ['add', 'remove'] }
    const act = kind === 'counter' ? 'add' : pick(acts[kind])
    const value = kind === 'list' || kind === 'counter' ? `${all.length}` : `m${Math.floor(random() * 30)}`
    const operation: Operation = { kind, id, act, value, outcome: 'acknowledged', result: undefined, swaps: [] }
    all.push(operation)
    const params = { id }
    const call = (): Promise<unknown> => {
      if (kind === 'hash')
        return act === 'set' ? own.hash.set(params, value, all.length) : own.hash.deleteField(params, value)
      if (kind === 'set') return act === 'add' ? own.set.add(params, value) : own.set.remove(params, value)
      if (kind === 'counter') return own.counter.add(params, Number(value))
      if (act === 'right') return own.list.pushRight(params, value)
      if (act === 'left') return own.list.pushLeft(params, value)
      return act === 'popLeft' ? own.list.popLeft(params) : own.list.popRight(params)
    }
    try {
      operation.result = await current.run(operation, call)
    } catch (error) {
      operation.outcome = (error as { code?: unknown }).code === 'STORE_UNKNOWN' ? 'unknown' : 'refused'
      counts[operation.outcome] += 1
    }
  }
  const worker = async (own: ReturnType<typeof environment>): Promise<void> => {
    while (all.length < operations) await perform(own)
  }
  await Promise.all(fleet.flatMap((own) => Array.from({ length: AT_A_TIME }, () => worker(own))))
  await Promise.all(landing)
  counts.operations = all.length

  const violations: string[] = []
  const [reader = environment()] = fleet
  const written = new Map<Operation, number>()
  for (const [key, label] of keys) {
    const { image } = await connect().read(key, { signal: AbortSignal.timeout(10_000), consistent: true })
    const chain: Operation[] = []
    for (let tag = image?.tag; tag !== undefined; tag = expectedOf.get(tag)) {
      const by = doneBy.get(tag)
      if (by === undefined) violations.push(`${label}: a write that nobody made`)
      else chain.unshift(by)
    }
    counts.writes += chain.length
    const state = replay(chain, violations)
    for (const by of chain) written.set(by, (written.get(by) ?? 0) + 1)
    const [kind, id] = label.split(' ') as [Kind, string]
    const there = await contentsOf(reader, kind, Number(id))
    if (JSON.stringify(there) !== JSON.stringify(state ?? there))
      violations.push(`${label}: the store holds ${JSON.stringify(there)} and not ${JSON.stringify(state)}`)
  }
  for (const one of all) {
    const times = written.get(one) ?? 0
    const what = `${one.kind} ${one.id} ${one.act} ${one.value}`
    if (times > 1) violations.push(`${what}: applied ${times} times`)
    if (one.outcome === 'refused' && times > 0) violations.push(`${what}: refused, and applied`)
    if (one.outcome === 'acknowledged' && times === 0 && !mayBeIdle(one)) violations.push(`${what}: lost`)
  }
  return { violations, counts }
}

/** Whether a change that wrote nothing said so: what it was to change was not there. */
function mayBeIdle({ kind, act, result }: Operation): boolean {
  if (kind === 'set' || act === 'delete') return result === 0
  return (act === 'popLeft' || act === 'popRight') && result === undefined
}

/** Does the operations of a chain again, one after the other, and compares what they gave. */
function replay(chain: readonly Operation[], violations: string[]): unknown {
  let fields: [string, null][] = []
  let items: string[] = []
  let total = 0
  for (const { kind, id, act, value, outcome, result } of chain) {
    let gives: unknown
    if (kind === 'counter') {
      total += Number(value)
      gives = total
    } else if (kind === 'hash') {
      const isThere = fields.some(([name]) => name === value)
      if (act === 'set' && !isThere) fields.push([value, null])
      if (act === 'delete') fields = fields.filter(([name]) => name !== value)
      gives = act === 'set' ? undefined : Number(isThere)
    } else if (kind === 'set') {
      const isThere = items.includes(value)
      if (act === 'add' && !isThere) items.push(value)
      if (act === 'remove') items = items.filter((member) => member !== value)
      gives = Number(act === 'add' ? !isThere : isThere)
    } else if (act === 'right' || act === 'left') {
      items = act === 'right' ? [...items, value].slice(-100) : [value, ...items].slice(0, 100)
      gives = items.length
    } else gives = act === 'popLeft' ? items.shift() : items.pop()
    if (outcome === 'acknowledged' && gives !== result)
      violations.push(`${kind} ${id} ${act} ${value}: gave ${result}, and ${gives} was right`)
  }
  const kind = chain[0]?.kind
  if (kind === 'hash') return fields.map(([name]) => name)
  return kind === 'counter' ? total : items
}

async function contentsOf(
  own: {
    readonly hash: { getAll(params: { id: number }, how: { live: true }): Promise<object> }
    readonly list: { range(params: { id: number }, how: { live: true }): Promise<readonly unknown[]> }
    readonly set: { all(params: { id: number }, how: { live: true }): Promise<readonly string[]> }
    readonly counter: { read(params: { id: number }, how: { live: true }): Promise<number> }
  },
  kind: Kind,
  id: number,
): Promise<unknown> {
  const live = { live: true } as const
  if (kind === 'hash') return Object.keys(await own.hash.getAll({ id }, live))
  if (kind === 'list') return own.list.range({ id }, live)
  return kind === 'set' ? own.set.all({ id }, live) : own.counter.read({ id }, live)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
