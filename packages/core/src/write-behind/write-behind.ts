/**
 * Write-behind: a write is accepted once the store has it, and applied to the truth later, in order, under a number by which
 * the truth can take each exactly once.
 *
 * @module
 */

import { type KeyTemplate, type ParamsOf, parseKeyTemplate } from '../data/key-template.ts'
import { createStoreContext } from '../engine/store-context.ts'
import {
  checkOptions,
  countRule,
  durationOrZeroRule,
  durationRule,
  flagRule,
  functionRule,
  isFunction,
  misuse,
  oneOf,
  type Rule,
  shaped,
  textRule,
} from '../lib/options.ts'
import { asFields, isTime, matches } from '../lib/parse.ts'
import { drainAll, drainWritten } from './drain.ts'
import { leastTime } from './drain-key.ts'
import type { BehindListener } from './events.ts'
import { type BehindHome, createSights } from './home.ts'
import { createIndex } from './index-writer.ts'
import { isId } from './journal-text.ts'
import { decide, readBacklog } from './poison.ts'
import { newestOf, readJournal } from './read.ts'
import { createBehindKeys } from './shard.ts'
import type { AppliedWrite, Backlog, Loaded, WriteBehind, WriteBehindOptions } from './types.ts'
import { createValues } from './values.ts'
import { createWriter } from './write.ts'

export { BehindFullError, BehindUnknownError, WriteRefusedError } from './error.ts'
export type { BehindEvent, BehindListener } from './events.ts'
export type {
  Accepted,
  AppliedWrite,
  Backlog,
  BehindReport,
  DrainOptions,
  DrainReport,
  Loaded,
  PoisonWrite,
  WriteBehind,
  WriteBehindOptions,
  WriteOptions,
} from './types.ts'

/** What a lease of a drainer lasts beyond the time of `apply`, in ms, beside a few requests to the store. */
const LEASE_MARGIN = 2_000
/** Requests to the store that fit into a lease beside `apply`. */
const LEASE_REQUESTS = 4
/** How long a `settle` takes at most by default, in ms. */
const SETTLE_TIME = 1_000
/** The most time that is believed, in ms: what Lambda allows. */
const MAX_TIME = 900_000

const RULES: { readonly [Name in keyof WriteBehindOptions<string, unknown>]-?: Rule } = {
  store: shaped('read', 'swap'),
  name: ['1 to 40 of a-z 0-9 -', (value) => matches(value, /^[a-z0-9-]{1,40}$/)],
  key: textRule,
  apply: functionRule,
  merge: functionRule,
  schema: ['a schema of Standard Schema 1', (value) => isFunction(Object(Object(value)['~standard']).validate)],
  codec: shaped('seal', 'open'),
  namespace: textRule,
  applyTimeout: ['ms, 100 to 600000', (value) => isTime(value) && value >= 100 && value <= 600_000],
  attempts: countRule,
  onPoison: oneOf('stop', 'skip'),
  timeout: durationRule,
  storeTimeout: durationRule,
  concurrency: countRule,
  mayLose: flagRule,
  onEvent: functionRule,
  runtime: shaped('wall', 'monotonic', 'random', 'unique', 'after'),
}
const WRITE_RULES = {
  id: ['1 to 64 printable ASCII characters without blank', isId] as const,
  timeout: durationRule,
}
const DRAIN_RULES = {
  remaining: functionRule,
  signal: ['an AbortSignal', (value: unknown) => value instanceof AbortSignal] as const,
}

/**
 * Makes a write-behind. Throws `TypeError` that names the option when one is wrong or unknown, and for a store that may lose
 * what it has acknowledged.
 *
 * @example
 * ```ts
 * const views = writeBehind({
 *   store,
 *   name: 'views',
 *   key: 'views:{post}',
 *   merge: (older: number, newer: number) => older + newer,
 *   apply: ({ post }, by: number, { n, signal }) => addViews(post, by, { n, signal }),
 * })
 * await views.write({ post: 7 }, 1)
 * ```
 */
export function writeBehind<const Template extends string, V>(
  options: WriteBehindOptions<Template, V>,
): WriteBehind<ParamsOf<Template>, V> {
  const home = createHome(options)
  const { context, keys, values, template, counts } = home
  const accept = createWriter(home)
  const keyOf = (params: unknown): string => keys.journal(template.print(params))
  const drain: WriteBehind<unknown, unknown>['drain'] = async (given = {}) =>
    drainAll(home, checkOptions('drain', given, DRAIN_RULES))

  const behind: WriteBehind<unknown, unknown> = {
    name: options.name,
    async write(params, value, given = {}) {
      const { id = context.runtime.unique(), timeout = home.timeout } = checkOptions('write', given, WRITE_RULES)
      return accept(keyOf(params), { params: params ?? null, value: values.checkNew(value), id, timeout })
    },
    drain,
    async handler(_event, lambda) {
      const { clock } = context
      const left = Number(lambda?.getRemainingTimeInMillis?.())
      if (!Number.isFinite(left)) return drain()
      const least = leastTime(home)
      if (left < least)
        misuse(
          'handler',
          `the function has ${Math.floor(left)} ms left and would apply nothing; raise its timeout above ${least} ms, or lower "applyTimeout"`,
        )
      const endsAt = clock.fast() + Math.min(left, MAX_TIME)
      return drain({ remaining: () => endsAt - clock.fast() })
    },
    get busy() {
      return home.written.size > 0
    },
    enter: () => () => {},
    async settle(given = {}) {
      const { timeout = SETTLE_TIME } = checkOptions('settle', given, { timeout: durationOrZeroRule })
      await drainWritten(home, timeout)
    },
    async read(params, load) {
      if (!isFunction(load)) misuse('read', 'the second argument must be the function that loads the value')
      const key = keyOf(params)
      // Before the load: what is in the truth by now is in what is loaded.
      const journal = await readJournal(home, key)
      return newestOf(home, key, { journal, loaded: { value: await load(), done: journal.done } })
    },
    done: async (params) => (await readJournal(home, keyOf(params))).done,
    async newest(params, loaded) {
      if (!isTime(asFields(loaded)?.['done'])) misuse('newest', 'give { value, done } with what "done" resolved to')
      const key = keyOf(params)
      return newestOf(home, key, { journal: await readJournal(home, key), loaded: loaded as Loaded<unknown> })
    },
    backlog: (): Promise<Backlog<unknown, unknown>> => readBacklog(home),
    retry: async (params) => decide(home, keyOf(params), 'retry'),
    giveUp: async (params) => decide(home, keyOf(params), 'give up'),
    report: () => ({ ...counts }),
  }
  // The template says what parameters are, and the options what values are.
  return behind as unknown as WriteBehind<ParamsOf<Template>, V>
}

function createHome<Template extends string, V>(options: WriteBehindOptions<Template, V>): BehindHome {
  const given = checkOptions('writeBehind', options, RULES, ['store', 'name', 'key', 'apply'])
  const { store, name, codec, schema, namespace = '', applyTimeout = 10_000, onEvent, runtime } = given
  if (store.forgets === true && given.mayLose !== true)
    misuse(
      'writeBehind',
      `the ${store.name} store may lose what it has acknowledged; use DynamoDB, S3 or a durable Redis, or set "mayLose" to true where that is acceptable`,
    )
  const emit: BehindListener = (event) => {
    try {
      onEvent?.(event)
    } catch {
      // A listener must not change what happens.
    }
  }
  const context = createStoreContext(store, { onEvent: emit, runtime, storeTimeout: given.storeTimeout })
  const template: KeyTemplate = parseKeyTemplate(given.key)
  const keys = createBehindKeys(namespace, name)
  const timeout = given.timeout ?? 5_000
  const apply = given.apply as (params: unknown, value: unknown, write: AppliedWrite) => unknown
  return {
    context,
    emit,
    template,
    keys,
    values: createValues({ key: given.key, schema, codec, emit }),
    apply,
    merge: given.merge as ((older: unknown, newer: unknown) => unknown) | undefined,
    applyTimeout,
    leaseLength: applyTimeout + LEASE_REQUESTS * context.policy.storeTimeout + LEASE_MARGIN,
    attempts: given.attempts ?? 10,
    onPoison: given.onPoison ?? 'stop',
    timeout,
    concurrency: given.concurrency ?? 4,
    sights: createSights(),
    indexedAt: new Map(),
    written: new Set(),
    counts: { accepted: 0, appends: 0, applied: 0, failed: 0, poisoned: 0, full: 0, unknown: 0 },
    ...createIndex({ context, keys, timeout }),
  }
}
