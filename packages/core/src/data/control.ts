/** The switches of an operator, which stand in the root record and are seen by every environment within `recheck`. @module */

import type { Json } from '../contracts.ts'
import { checkOptions, flagRule, misuse, objectRule } from '../lib/options.ts'
import { asFields } from '../lib/parse.ts'

/** How many resources may have switches of their own. */
const MAX_SOURCES = 50
/** The longest control, in characters: it shares the root record with the patterns. */
const MAX_CONTROL = 1_500

/** What can be switched. What is left out is as it was. */
export interface Switches {
  /** False: the loader is called for each `get`, and nothing is read or kept. Default true. */
  readonly enabled?: boolean
  /** True: what is stored is served, a miss is loaded and not kept, and writes are rejected. Default false. */
  readonly readOnly?: boolean
  /** True: each `get` loads, as by `maxAge: 0`, and its result is kept. Default false. */
  readonly bypass?: boolean
}

/** The switches of a cache, and of single resources by name, which come before those of the cache. */
export interface Control extends Switches {
  readonly sources?: { readonly [name: string]: Switches }
}

const SWITCHES = { enabled: flagRule, readOnly: flagRule, bypass: flagRule }

/** Checks what an operator gives. Throws `TypeError` that names the field. */
export function checkControl(change: Control): Control {
  const { sources, ...switches } = checkOptions('control', change, { ...SWITCHES, sources: objectRule })
  const named = Object.entries(sources ?? {}).map(([name, one]) => {
    if (name === '' || name === '__proto__') misuse('control', 'a name in "sources" must be that of a resource')
    return [name, checkOptions(`control: sources.${name}`, one, SWITCHES)] as const
  })
  return { ...switches, ...(sources && { sources: Object.fromEntries(named) }) }
}

/** The control with a change. Throws `TypeError` when it grows too large. */
export function changeControl(before: Control, change: Control): Control {
  const sources = { ...before.sources }
  for (const [name, one] of Object.entries(change.sources ?? {})) sources[name] = { ...sources[name], ...one }
  const changed = { ...before, ...change, ...(Object.keys(sources).length > 0 && { sources }) }
  if (Object.keys(sources).length > MAX_SOURCES || JSON.stringify(changed).length > MAX_CONTROL)
    misuse('control', `it must name at most ${MAX_SOURCES} resources and be at most ${MAX_CONTROL} characters as JSON`)
  return changed
}

/** The control in an untrusted root record. What is not in order counts as left out. */
export function parseControl(json: unknown): Control {
  const fields = asFields(json) ?? {}
  const sources = Object.entries(asFields(fields['sources']) ?? {}).slice(0, MAX_SOURCES)
  return {
    ...parseSwitches(fields),
    ...(sources.length > 0 && {
      sources: Object.fromEntries(sources.map(([name, one]) => [name, parseSwitches(asFields(one) ?? {})])),
    }),
  }
}

/** The switches of a resource. */
export function switchesOf(control: Control, name: string): Required<Switches> {
  const own = control.sources !== undefined && Object.hasOwn(control.sources, name) ? control.sources[name] : undefined
  const { sources: _sources, ...common } = control
  return { enabled: true, readOnly: false, bypass: false, ...common, ...own }
}

/** Whether two controls, as records hold them, are the same. */
export function sameControl(one: unknown, other: unknown): boolean {
  return JSON.stringify(parseControl(one)) === JSON.stringify(parseControl(other))
}

/** The control as JSON. */
export function printControl(control: Control): Json {
  return control as Json
}

function parseSwitches(fields: { readonly [name: string]: unknown }): Switches {
  const { enabled, readOnly, bypass } = fields
  return {
    ...(typeof enabled === 'boolean' && { enabled }),
    ...(typeof readOnly === 'boolean' && { readOnly }),
    ...(typeof bypass === 'boolean' && { bypass }),
  }
}
