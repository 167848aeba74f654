/** The actions of an operator: parsed, taken, and remembered in the record. @module */

import type { Store } from '../contracts.ts'
import type { Switches } from '../data/control.ts'
import { asLine } from '../lib/line.ts'
import { asFields, type Fields, matches } from '../lib/parse.ts'
import type { Calling, Changed } from '../operate/change.ts'
import { endCoolDown, refreshNow, steer, stopSource } from '../operate/steer.ts'
import { isOurs } from '../operate/view.ts'
import { type AdminCache, switchCache } from './caches.ts'
import type { ControlRequest } from './types.ts'

/** The longest reason, in characters: it shares the record's line with the name. */
const MAX_REASON = 100
/** The longest stop, in minutes. */
const MAX_MINUTES = 1_440
const MINUTE = 60_000
const ACTIONS: readonly unknown[] = ['refresh', 'reset', 'stop', 'switch']
const SWITCHES = ['enabled', 'readOnly', 'bypass'] as const

/** A request in untrusted JSON, or the field that is wrong and what it must be. */
export type ParsedControl =
  | { readonly outcome: 'parsed'; readonly request: ControlRequest }
  | { readonly outcome: 'wrong'; readonly field: string; readonly must: string }

/** Parses what an operator asks for. */
export function parseControlRequest(fields: Fields): ParsedControl {
  const { action, reason } = fields
  if (!ACTIONS.includes(action)) return wrong('action', 'refresh, reset, stop or switch')
  if (reason !== undefined && !matches(reason, /^.{1,100}$/su)) return wrong('reason', `1 to ${MAX_REASON} characters`)
  const why = typeof reason === 'string' ? { reason: asLine(reason, MAX_REASON) ?? '' } : {}
  return action === 'switch' ? parseSwitch(fields, why) : parseSteering(fields, why)
}

type Why = { readonly reason?: string }

function parseSteering({ action, key, minutes }: Fields, why: Why): ParsedControl {
  if (typeof key !== 'string' || !isOurs(key)) return wrong('key', 'a key that api/records lists')
  if (action !== 'stop') {
    const request = { action: action === 'refresh' ? 'refresh' : 'reset', key, ...why } as const
    return { outcome: 'parsed', request }
  }
  if (!(Number.isSafeInteger(minutes) && Number(minutes) >= 1 && Number(minutes) <= MAX_MINUTES))
    return wrong('minutes', `a whole number from 1 to ${MAX_MINUTES}`)
  return { outcome: 'parsed', request: { action: 'stop', key, minutes: Number(minutes), ...why } }
}

function parseSwitch({ cache, resource, switches }: Fields, why: Why): ParsedControl {
  if (!matches(cache, /^[a-z0-9-]{1,40}$/)) return wrong('cache', 'the name of a cache that api/overview lists')
  if (resource !== undefined && !matches(resource, /^.{1,200}$/u)) return wrong('resource', '1 to 200 characters')
  const given = Object.entries(asFields(switches) ?? {})
  const isKnown = given.every(([name, on]) => SWITCHES.some((one) => one === name) && typeof on === 'boolean')
  if (given.length === 0 || !isKnown) return wrong('switches', `true or false for ${SWITCHES.join(', ')}`)
  const wanted: Switches = Object.fromEntries(given)
  const request = {
    action: 'switch',
    cache,
    ...(resource !== undefined && { resource }),
    switches: wanted,
    ...why,
  } as const
  return { outcome: 'parsed', request }
}

function wrong(field: string, must: string): ParsedControl {
  return { outcome: 'wrong', field, must }
}

/** Where actions are taken. */
export interface Controlled {
  readonly store: Store
  readonly caches: readonly AdminCache[]
}

/** Takes an action in the name of an operator. `undefined`: there is no such cache. */
export async function takeAction(
  { store, caches }: Controlled,
  request: ControlRequest,
  operator: string,
  calling: Calling,
): Promise<Changed | undefined> {
  const by = { name: operator, reason: request.reason }
  if (request.action === 'switch') {
    const cache = caches.find(({ name }) => name === request.cache)
    const { resource, switches } = request
    return cache && switchCache(store, cache, calling, { resource, switches, by })
  }
  const action =
    request.action === 'stop'
      ? stopSource(request.minutes * MINUTE)
      : request.action === 'refresh'
        ? refreshNow
        : endCoolDown
  return steer(store, request.key, calling, { ...action, by })
}
