import { misuse } from '../lib/options.ts'

/** The longest plain key, in characters. */
const MAX_KEY = 512
/** The longest value of one parameter, in characters, before it is encoded. */
const MAX_PARAM = 200
/** How many segments a template may have: each one beyond the second costs a look one more read. */
const MAX_SEGMENTS = 8
/** A value that is encoded as it is. */
const PLAIN = /^[\w.-]{1,200}$/
/** Stands between segments. A parameter can never hold it. */
const SEPARATOR = ':'

/** The names of the parameters in a template: `'id'` for `'project:{id}:info'`. */
export type ParamNames<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never

/** The parameters of a template. A template without any takes none. */
export type ParamsOf<Template extends string> = [ParamNames<Template>] extends [never]
  ? undefined
  : { readonly [Name in ParamNames<Template>]: string | number }

/** What a template makes of parameters. */
export interface KeyTemplate {
  readonly text: string
  /** The first segment: the readable start of the record's key. */
  readonly kind: string
  /** The names of the parameters, in order. */
  readonly names: readonly string[]
  /** Its segments: a fixed text, or `undefined` for a parameter. */
  readonly segments: readonly (string | undefined)[]
  /**
   * The plain key: `project:42:info`. What is not a letter, a digit, `-`, `_` or `.` is percent-encoded. Throws
   * `TypeError` that names the parameter when one is missing, unknown, empty, too long, no text or number, or holds `:` or `*`.
   */
  print(params: unknown): string
  /** The same for parameters that need no encoding, without checks: `undefined` when that is not certain. For a hit. */
  quick(params: unknown): string | undefined
  /** A frozen copy of the parameters, which the caller cannot change any more. */
  copy(params: unknown): unknown
}

/** Whether two templates may make the same key: then one resource would get the values of the other. */
export function isOverlapping(one: Pick<KeyTemplate, 'segments'>, other: Pick<KeyTemplate, 'segments'>): boolean {
  if (one.segments.length !== other.segments.length) return false
  return one.segments.every((text, index) => {
    const there = other.segments[index]
    return text === undefined || there === undefined || text === there
  })
}

/**
 * Parses a template such as `project:{id}:info`. Throws `TypeError` for one that is empty, too long, repeats a parameter,
 * or mixes text and a parameter in one segment.
 */
export function parseKeyTemplate(template: string): KeyTemplate {
  const segments = template.split(SEPARATOR)
  if (template.length > MAX_KEY || segments.length > MAX_SEGMENTS)
    misuse('use', `option "key" must have at most ${MAX_SEGMENTS} segments and ${MAX_KEY} characters`)
  const parts = segments.map((segment) => parseSegment(template, segment))
  const names = parts.flatMap(({ name }) => (name === undefined ? [] : [name]))
  if (new Set(names).size < names.length) misuse('use', `option "key" names a parameter twice: ${template}`)
  const [first] = parts
  if (first?.text === undefined)
    misuse('use', `option "key" must begin with a text, such as "project:{id}": ${template}`)
  const known = new Set(names)
  /** The texts around the parameters: a hit joins them without looking at segments. */
  const texts = template.split(/\{[^}]*\}/)

  return {
    text: template,
    kind: first?.text ?? '',
    names,
    segments: parts.map(({ text }) => text),
    copy(params) {
      const fields = (params ?? {}) as Readonly<Record<string, unknown>>
      return params === undefined
        ? undefined
        : Object.freeze(Object.fromEntries(names.map((name) => [name, fields[name]])))
    },
    print(params) {
      const fields = readParams(template, params, known)
      const key = parts.map(({ name, text }) => text ?? encodeParam(template, name ?? '', fields)).join(SEPARATOR)
      if (key.length > MAX_KEY)
        misuse(`key ${template}`, `the encoded parameters are longer than ${MAX_KEY} characters together`)
      return key
    },
    quick(params) {
      if (params === undefined) return names.length === 0 ? template : undefined
      let key = texts[0]
      for (let index = 0; index < names.length; index += 1) {
        const value = (params as Readonly<Record<string, unknown>> | null)?.[names[index] ?? '']
        if (typeof value === 'string' ? !PLAIN.test(value) : !Number.isSafeInteger(value)) return undefined
        key += `${value}${texts[index + 1]}`
      }
      return key
    },
  }
}

/**
 * The tags that every key has by its own prefixes: `project:42:` for `project:42:info`. Invalidating `project:42:*` is
 * invalidating that tag. The prefix of the first segment alone is none: so wide a pattern stands in the root record.
 */
export function prefixTags(key: string): readonly string[] {
  const tags: string[] = []
  let end = key.indexOf(SEPARATOR)
  for (;;) {
    const next = end < 0 ? -1 : key.indexOf(SEPARATOR, end + 1)
    if (next < 0) return tags
    tags.push(key.slice(0, next + 1))
    end = next
  }
}

/** Encodes a text as a segment of a key holds it. */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*~]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
}

interface Segment {
  readonly name: string | undefined
  readonly text: string | undefined
}

function parseSegment(template: string, segment: string): Segment {
  const name = /^\{([A-Za-z_]\w{0,31})\}$/.exec(segment)?.[1]
  if (name !== undefined) return { name, text: undefined }
  if (/^[\w.-]+$/.test(segment)) return { name: undefined, text: segment }
  return misuse(
    'use',
    `option "key" has a segment that is neither a string of letters, digits, "-", "_", "." nor one {parameter}: ${template}`,
  )
}

function readParams(template: string, params: unknown, known: ReadonlySet<string>): Readonly<Record<string, unknown>> {
  if (known.size === 0 && params === undefined) return {}
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    misuse(`key ${template}`, `give the parameters as an object: { ${[...known].join(', ')} }`)
  const fields = params as Readonly<Record<string, unknown>>
  const unknown = Object.keys(fields).find((name) => !known.has(name))
  if (unknown !== undefined) {
    const names = known.size === 0 ? 'none' : [...known].join(', ')
    misuse(`key ${template}`, `there is no parameter "${unknown}"; the key has: ${names}`)
  }
  return fields
}

function encodeParam(template: string, name: string, fields: Readonly<Record<string, unknown>>): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  const text = typeof value === 'number' && Number.isFinite(value) ? String(value) : value
  if (typeof text !== 'string' || text === '')
    return misuse(`key ${template}`, `parameter "${name}" must be a number or a non-empty string`)
  if (text.length > MAX_PARAM || /[:*]/.test(text) || !text.isWellFormed())
    return misuse(
      `key ${template}`,
      `parameter "${name}" must be a well-formed string of at most ${MAX_PARAM} characters without ":" and "*"; encode or hash it first`,
    )
  return encodeSegment(text)
}
