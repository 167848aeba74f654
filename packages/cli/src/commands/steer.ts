/** `refresh`, `reject` and `purge`: what an operator may do to records. Each leaves a line in the record's ring. @module */

import {
  type Changed,
  purgeRecord,
  refreshNow,
  rejectValue,
  type SteeringAction,
  SteeringError,
  steer,
} from '@warmtoken/core/operate'
import type { Context } from '../context.ts'
import { OperatorError } from '../exit.ts'
import { openPlace, type PlaceOptions } from '../place.ts'
import { checkKey, operatorOf } from '../records.ts'

/** Options of the three commands. */
export interface SteerOptions extends PlaceOptions {
  readonly reason?: string | undefined
}

/** Options of `purge`. */
export interface PurgeOptions extends SteerOptions {
  readonly loseChain?: true | undefined
}

/** Makes the value due, and ends a cool-down, so that the next environment that reads the record fetches a new value. */
export async function refresh(context: Context, keys: readonly string[], options: SteerOptions): Promise<void> {
  await steerAll(context, keys, { options, action: refreshNow })
}

/** Marks the published version as rejected, so that nobody who reads the record serves it. */
export async function reject(context: Context, keys: readonly string[], options: SteerOptions): Promise<void> {
  await steerAll(context, keys, { options, action: rejectValue })
}

/** Empties records. Refuses those of exclusive sources, whose seed would be spent again, unless their chain may be lost. */
export async function purge(context: Context, keys: readonly string[], options: PurgeOptions): Promise<void> {
  await steerAll(context, keys, { options, action: purgeRecord({ loseChain: options.loseChain === true }) })
}

interface Steered {
  readonly options: SteerOptions
  readonly action: SteeringAction
}

async function steerAll(context: Context, keys: readonly string[], { options, action }: Steered): Promise<void> {
  const { terminal, signal } = context
  for (const key of keys) checkKey(key)
  const place = await openPlace(options, context)
  const results: { key: string; outcome: Changed }[] = []
  try {
    for (const key of keys) {
      signal.throwIfAborted()
      terminal.progress(`${results.length} of ${keys.length} records`)
      const outcome = await steer(place.store, key, context, { ...action, by: operatorOf(options.reason) })
      results.push({ key, outcome })
    }
  } catch (error) {
    const done = results.filter(({ outcome }) => outcome === 'written').map(({ key }) => key)
    if (done.length > 0) terminal.note(`${action.action} before that: ${done.join(', ')}`)
    if (signal.aborted) throw new OperatorError(`stopped after ${results.length} of ${keys.length} records`)
    throw error instanceof SteeringError ? new OperatorError(error.message) : error
  }
  terminal.result({ store: place.title, action: action.action, results }, () =>
    results.map(({ key, outcome }) => `${key}: ${outcome === 'written' ? action.action : 'nothing to change'}`),
  )
  if (!results.some(({ outcome }) => outcome === 'written'))
    throw new OperatorError(`nothing was changed in the ${place.title}; "warmtoken list" shows the keys`)
}
