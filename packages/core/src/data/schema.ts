/** How values of a resource are checked, printed and parsed. @module */

import type { Json, StandardSchema } from '../contracts.ts'
import { SourceUnavailableError } from '../errors.ts'
import { misuse } from '../lib/options.ts'
import { shownCause } from '../lib/shown-cause.ts'
import type { DataSource } from './home.ts'
import type { ResourceOptions } from './types.ts'
import { checkValue, freezeValue, refuseHanded, ValueError } from './value.ts'

/** What a schema says, or that there is none. */
type Checked<V> =
  | { readonly outcome: 'accepted'; readonly value: V }
  | { readonly outcome: 'refused'; readonly path: string }

/** Makes the parts of a source that know its values. */
export function createValueForm<Template extends string, V>({
  key,
  name,
  schema,
  form,
}: Pick<ResourceOptions<Template, V>, 'key' | 'schema' | 'form'> & { readonly name: string }): Pick<
  DataSource<V>,
  'print' | 'parse'
> {
  return {
    print(value) {
      const checked = checkBySchema(key, schema, value)
      if (checked.outcome === 'refused')
        throw new SourceUnavailableError(`the schema of ${key} refuses ${checked.path}`, { code: 'SCHEMA_REFUSED' })
      const { value: accepted } = checked
      if (form === undefined) {
        checkValue(name, accepted)
        return { json: accepted as Json, value: freezeValue(accepted) }
      }
      refuseHanded(name, accepted)
      const text = printBy(name, form, accepted)
      if (typeof text !== 'string') misuse('form', '"print" must return a string')
      return { json: text, value: freezeValue(accepted) }
    },
    parse(json) {
      try {
        const value = form === undefined ? json : typeof json === 'string' ? form.parse(json) : undefined
        if (value === undefined) return undefined
        const checked = checkBySchema(key, schema, value)
        return checked.outcome === 'accepted' ? { value: freezeValue(checked.value) } : undefined
      } catch {
        // A form or a schema that throws has not accepted it.
        return undefined
      }
    },
  }
}

/** Prints a value by the form of a resource. What that throws may hold the value, so only its name is passed on. */
function printBy<V>(name: string, form: NonNullable<ResourceOptions<string, V>['form']>, value: V): unknown {
  try {
    return form.print(value)
  } catch (error) {
    const why = `refused by "print" of the form, which threw ${shownCause(error).name}`
    throw new ValueError(name, { path: '', why })
  }
}

/** Asks a schema. Throws `TypeError` for one that is asynchronous, or throws. */
export function checkBySchema<V>(
  key: string,
  schema: StandardSchema<unknown, V> | undefined,
  value: unknown,
): Checked<V> {
  if (schema === undefined) return { outcome: 'accepted', value: value as V }
  const result = validateBy(key, schema, value)
  if (result instanceof Promise) return misuse('use', `the schema of ${key} must be synchronous`)
  if (result.issues === undefined) return { outcome: 'accepted', value: result.value }
  const path = (result.issues[0]?.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step))
  return { outcome: 'refused', path: ['$', ...path].join('.').slice(0, 200) }
}

function validateBy<V>(key: string, schema: StandardSchema<unknown, V>, value: unknown) {
  try {
    return schema['~standard'].validate(value)
  } catch (error) {
    return misuse('use', `the schema of ${key} threw ${shownCause(error).name}; let it return issues`)
  }
}
