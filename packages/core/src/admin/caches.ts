/** Caches, as operators see and switch them: by their root records. @module */

import type { Store } from '../contracts.ts'
import { addChange, parseChanges } from '../data/audit.ts'
import { nameRule } from '../data/cache.ts'
import {
  type Control,
  changeControl,
  checkControl,
  parseControl,
  printControl,
  sameControl,
  switchesOf,
} from '../data/control.ts'
import { NO_ROOT, parseRoot, printRoot, type Root } from '../data/generations.ts'
import { createGenerationKeys } from '../data/home.ts'
import { KEEP } from '../data/invalidate.ts'
import type { CacheReport } from '../data/report.ts'
import { checkOptions, misuse, type Rule, shaped, textRule } from '../lib/options.ts'
import { type Calling, type Changed, changeOrMake, readSeen } from '../operate/change.ts'
import { type Operator, SteeringError, whoAndWhy } from '../operate/steer.ts'
import type { CacheCounts, CacheView } from './types.ts'

/** The longest name of an operator with the reason, in characters. */
const MAX_BY = 120

/** A cache that the admin function shows. */
export interface AdminCache {
  /** The `name` of `createCache`. */
  readonly name: string
  /** The `namespace` of `createCache`. Default: none. */
  readonly namespace?: string
  /** The cache itself, for what this environment counts. Default: only what the store knows is shown. */
  readonly cache?: { report(): CacheReport }
}

const RULES: { readonly [Name in keyof AdminCache]-?: Rule } = {
  name: nameRule,
  namespace: textRule,
  cache: shaped('report'),
}

/** A change of switches, by an operator. */
export interface SwitchRequest {
  readonly resource: string | undefined
  readonly switches: Control
  readonly by: Operator
}

/** Checks the caches that were handed over. Throws `TypeError` that names what is wrong. */
export function checkCaches(caches: readonly AdminCache[]): readonly AdminCache[] {
  const checked = caches.map((one) => checkOptions('createAdmin: caches', one, RULES, ['name']))
  const names = new Set(checked.map(({ name }) => name))
  if (names.size < checked.length) misuse('createAdmin', 'two of "caches" have the same name')
  return checked
}

/** What operators may see of a cache. */
export async function viewCache(store: Store, one: AdminCache, calling: Calling): Promise<CacheView> {
  const root = await readRoot(store, one, calling).catch(() => undefined)
  const { hard, soft, patterns, control, changes } = root ?? NO_ROOT
  const parsed = parseControl(control)
  return {
    name: one.name,
    switches: root && switchesOf(parsed, ''),
    sources: Object.fromEntries(Object.keys(parsed.sources ?? {}).map((name) => [name, switchesOf(parsed, name)])),
    changes: parseChanges(changes),
    invalidated: { hard, soft },
    patterns: patterns.map((pattern) => ({ text: pattern.text, hard: pattern.hard, soft: pattern.soft })),
    environment: one.cache && countsOf(one.cache.report()),
  }
}

/**
 * Changes the switches of a cache, for every environment within its `recheck`, and remembers who did. Rejects with
 * {@link SteeringError} for what cannot be switched, and with a `StoreFault`.
 */
export function switchCache(
  store: Store,
  { name, namespace = '' }: AdminCache,
  calling: Calling,
  { resource, switches, by }: SwitchRequest,
): Promise<Changed> {
  const { rootKey } = createGenerationKeys(namespace, name)
  const wanted = checked(() => checkControl(resource === undefined ? switches : { sources: { [resource]: switches } }))
  return changeOrMake(store, rootKey, calling, (image, { latest }) => {
    const root = image === undefined ? NO_ROOT : parseRoot(image.body, rootKey, Math.ceil(latest))
    if (root === undefined)
      throw new SteeringError(`the root record of the cache ${name} is damaged; an environment of the cache repairs it`)
    const before = parseControl(root.control)
    const control = checked(() => changeControl(before, wanted))
    if (sameControl(before, control)) return undefined
    const what = `${resource ?? 'all'} ${Object.entries(switches)
      .map(([field, value]) => `${field}: ${String(value)}`)
      .join(', ')}`
    const changes = addChange(root.changes, { at: latest, by: whoAndWhy(by, MAX_BY), what })
    return { body: printRoot({ ...root, control: printControl(control), changes }, rootKey), keepUntil: latest + KEEP }
  })
}

async function readRoot(
  store: Store,
  { name, namespace = '' }: AdminCache,
  calling: Calling,
): Promise<Root | undefined> {
  const { rootKey } = createGenerationKeys(namespace, name)
  const { image, time } = await readSeen(store, rootKey, calling)
  const latest = Math.ceil(time === undefined ? Date.now() : time.at + time.precision)
  return image === undefined ? NO_ROOT : parseRoot(image.body, rootKey, latest)
}

/** Field by field: the slowest loads are left out, for their keys may name people. */
function countsOf(report: CacheReport): CacheCounts {
  const { invalidations, rechecks, dropped, generationsLost, storeErrors, entries, bytes } = report
  const resources = Object.entries(report.resources).map(
    ([name, { hits, hitRate, hitRates, loads, negativeHits }]) =>
      [name, { hits: { memory: hits.memory, store: hits.store }, hitRate, hitRates, loads, negativeHits }] as const,
  )
  return {
    resources: Object.fromEntries(resources),
    ...{ invalidations, rechecks, dropped, generationsLost, storeErrors, entries, bytes },
  }
}

/** What a check of options throws names the field and is meant for the operator. */
function checked<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw error instanceof TypeError ? new SteeringError(error.message) : error
  }
}
