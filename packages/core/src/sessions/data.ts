import type { Json, StandardSchema } from '../contracts.ts'
import { canonical } from '../lib/key.ts'
import { misuse } from '../lib/options.ts'
import { MAX_DEPTH } from '../lib/parse.ts'

/** What a schema says of data that was read. */
export type Checked<T> =
  | { readonly outcome: 'accepted'; readonly value: T }
  | { readonly outcome: 'refused'; readonly path: string }

/** Checks one kind of data. */
export interface DataCheck<T> {
  /** The data as JSON for a record. Throws `TypeError` that names the path, and shows no value. */
  write(where: string, value: T | Json | undefined): Json | undefined
  /** The data of a record, frozen. */
  parse(json: Json | undefined): Checked<T>
}

/** Makes the check of `name`: by a schema, or any JSON of at most `most` bytes without one. */
export function createDataCheck<T>(
  name: string,
  schema: StandardSchema<unknown, T> | undefined,
  most: number,
): DataCheck<T> {
  const check = (value: unknown): Checked<T> => {
    if (schema === undefined) return { outcome: 'accepted', value: value as T }
    const result = schema['~standard'].validate(value)
    if (result instanceof Promise) throw new TypeError(`createSessions: the schema of "${name}" must be synchronous`)
    if (result.issues === undefined) return { outcome: 'accepted', value: result.value }
    return { outcome: 'refused', path: pathOf(name, result.issues[0]?.path) }
  }

  return {
    write(where, value) {
      const checked = check(value)
      if (checked.outcome === 'refused') return misuse(where, `the schema refuses ${checked.path}`)
      const json = checked.value as Json | undefined
      if (json === undefined) return undefined
      if (!isJson(json)) return misuse(where, `"${name}" must be JSON, at most ${MAX_DEPTH} deep`)
      const bytes = Buffer.byteLength(JSON.stringify(json))
      return bytes <= most ? json : misuse(where, `"${name}" takes ${bytes} bytes of JSON; at most ${most} are kept`)
    },
    parse(json) {
      const checked = check(json)
      if (checked.outcome === 'accepted') freeze(checked.value)
      return checked
    },
  }
}

/** `data.device.name` for a path of the schema. */
function pathOf(name: string, path: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined = []): string {
  const steps = path.map((step) => String(typeof step === 'object' ? step.key : step))
  return [name, ...steps].join('.').slice(0, 200)
}

function isJson(value: Json): boolean {
  try {
    canonical(value)
    return true
  } catch {
    return false
  }
}

/** Every request of this environment is handed the same. */
function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const one of Object.values(value)) freeze(one)
}
