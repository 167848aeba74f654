import type { Agent } from 'node:http'
import { agentRule, asFields, isFunction, misuse, type Rule, textRule, urlRule } from '@warmtoken/core/adapter/setup'

/** Where an SDK client finds its service, and by which way. */
export interface Place {
  readonly region?: string
  readonly endpoint?: string
  readonly agent?: Agent
}

/** The rules for what every factory of this package takes. */
export const PLACE: { readonly [name: string]: Rule } = {
  region: textRule,
  endpoint: urlRule,
  agent: agentRule,
  client: ['an SDK client or a function', (value) => isFunction(value) || isFunction(asFields(value)?.['send'])],
}

/** A text of one form. */
export function matching(must: string, form: RegExp): Rule {
  return [must, (value) => typeof value === 'string' && form.test(value)]
}

/** Throws `TypeError` for an option beside a client, which would not use it. */
export function checkClient(where: string, options: { readonly client?: unknown }, others: object): void {
  for (const [name, value] of Object.entries(options.client === undefined ? {} : others))
    if (value !== undefined) misuse(where, `option "${name}" cannot be combined with "client"`)
}
