/**
 * Refreshes by a plan: a tick each minute, in whichever environment, does what is due and nothing twice.
 *
 * @module
 */

import type { Runtime, Store } from '../contracts.ts'
import { createStoreContext } from '../engine/store-context.ts'
import type { Listener } from '../events.ts'
import { makeKey } from '../lib/key.ts'
import {
  checkOptions,
  countRule,
  durationRule,
  functionRule,
  misuse,
  objectRule,
  shaped,
  textRule,
} from '../lib/options.ts'
import { createBoundaries } from './boundaries.ts'
import { openLedger } from './ledger.ts'
import { itemOf, printState } from './state.ts'
import { type ItemRun, leastTime, runTick } from './tick.ts'
import type { Plan } from './types.ts'

export { type PlanNames, parsePlan } from './parse-plan.ts'
export { plan } from './plan.ts'
export type { ItemRun } from './tick.ts'
export type { FamilySource, HandleSource, Item, Plan, PlanOptions, Refreshable, ResourceSource } from './types.ts'

/** The time of a tick whose context does not say how much is left, in ms. */
const DEFAULT_TIME = 60_000
/** The most time that is believed, in ms: what Lambda allows. */
const MAX_TIME = 900_000

/** How {@link createSchedule} is set up. Durations are in ms. */
export interface ScheduleOptions {
  /** The store that the whole fleet shares. */
  readonly store: Store
  /** What {@link plan} or {@link parsePlan} made. */
  readonly plan: Plan
  /** Separates plans of the same name, for example by stage. Default: none. */
  readonly namespace?: string
  /** How long one refresh may take. Default 10,000. */
  readonly timeout?: number
  /** How many refreshes run at once. Default 4. */
  readonly concurrency?: number
  /** How long one request to the store may take. Default 800. */
  readonly storeTimeout?: number
  /** Receives the events of store failures. What it throws is ignored. Default: none. */
  readonly onEvent?: Listener
  /** Clocks, random numbers and timers; for tests. Default: the system's. */
  readonly runtime?: Runtime
}

/** What one tick did. */
export interface TickReport {
  /** The name of the plan. */
  readonly plan: string
  /** What was run, in the order in which it ended. */
  readonly runs: readonly ItemRun[]
}

/** What is known of an item. Instants in ms since 1970, on the clock of the store's server. */
export interface ItemStatus {
  readonly name: string
  /** The last boundary that was refreshed for; `undefined` for none. */
  readonly doneAt: number | undefined
  /** The next boundary. */
  readonly nextAt: number
  /** When it last ended, well or not; `undefined` where it never has. */
  readonly endedAt: number | undefined
  /** Failures in a row, and the code of the last. */
  readonly failures: number
  readonly code: string | undefined
  /** How many of its list are done, of a pass that goes on at the next tick. */
  readonly cursor: number
}

/** The part of a Lambda context that is read. */
export interface TickContext {
  getRemainingTimeInMillis?(): number
}

/** A plan at work. */
export interface Schedule {
  /**
   * The Lambda handler of the tick. An event that comes twice or late does no harm: what is done is not due. Resolves to
   * what was done, failures of items included; rejects with `StoreError` when the record cannot be read or written, and with
   * `TypeError` when the function has so little time that it would refresh nothing: it needs `timeout` and 2,000 ms.
   */
  handler(event?: unknown, context?: TickContext): Promise<TickReport>
  /** Resolves to what is known of each item, in the order of the plan. Rejects with `StoreError`. */
  status(): Promise<readonly ItemStatus[]>
}

const RULES = {
  store: shaped('read', 'swap'),
  plan: objectRule,
  namespace: textRule,
  timeout: durationRule,
  concurrency: countRule,
  storeTimeout: durationRule,
  onEvent: functionRule,
  runtime: shaped('wall', 'monotonic', 'random', 'unique', 'after'),
}

/**
 * Puts a plan to work. Throws `TypeError` that names the option when one is wrong.
 *
 * @example
 * ```ts
 * export const { handler } = createSchedule({ store, plan: refreshes })
 * ```
 */
export function createSchedule(options: ScheduleOptions): Schedule {
  const given = checkOptions('createSchedule', options, RULES, ['store', 'plan'])
  const { store, plan, namespace = '', timeout = 10_000, concurrency = 4, ...settings } = given
  if (!Array.isArray(plan.items)) misuse('createSchedule', 'option "plan" must be what plan() or parsePlan() made')
  const context = createStoreContext(store, settings)
  const key = makeKey('schedule', namespace, plan.name)
  const boundaries = createBoundaries(plan)
  const open = () => openLedger(context, key, (state) => printState(key, state, plan.items))

  return {
    async handler(_event, lambda) {
      const { clock } = context
      const left = Number(lambda?.getRemainingTimeInMillis?.() ?? DEFAULT_TIME)
      const least = leastTime(timeout)
      if (lambda?.getRemainingTimeInMillis !== undefined && left <= least)
        misuse(
          'handler',
          `the function has ${Math.floor(left)} ms left and would refresh nothing; raise its timeout above ${least} ms, or lower "timeout"`,
        )
      const endsAt = clock.fast() + (Number.isFinite(left) ? Math.min(left, MAX_TIME) : DEFAULT_TIME)
      const remaining = (): number => endsAt - clock.fast()
      const runs = await runTick({ context, plan, ledger: open(), boundaries, concurrency, timeout, remaining })
      return { plan: plan.name, runs }
    },
    async status() {
      const ledger = open()
      const state = await ledger.read()
      const around = await boundaries(ledger.now().earliest)
      return plan.items.map(({ name }) => {
        const { doneAt, endedAt, failures, code, cursor } = itemOf(state, name)
        return {
          name,
          doneAt: doneAt || undefined,
          nextAt: around.get(name)?.next ?? 0,
          endedAt: endedAt || undefined,
          failures,
          code: code || undefined,
          cursor,
        }
      })
    },
  }
}
