/** Values of writes as sealed texts in the journal. @module */

import type { Codec, Json, StandardSchema } from '../contracts.ts'
import { checkBySchema } from '../data/schema.ts'
import { checkValue } from '../data/value.ts'
import { withCodecTimeout } from '../engine/file-hit.ts'
import { StoreError } from '../errors.ts'
import { misuse } from '../lib/options.ts'
import { asFields, matches, parseJson } from '../lib/parse.ts'
import type { BehindListener } from './events.ts'
import type { BehindValues } from './home.ts'
import { bytesOf } from './journal.ts'

/** How much a sealed value may take, in bytes: a queue holds two of them. Values are merged up to here. */
export const MAX_SEALED = 32_768

/** How much a value may take, in bytes as it stands in the record unsealed; sealing adds a third. */
const MAX_VALUE = 24_000

/** How values are checked and sealed. */
export interface ValuesOptions {
  readonly key: string
  readonly schema: StandardSchema | undefined
  readonly codec: Codec | undefined
  readonly emit: BehindListener
}

/** Makes the form of values. */
export function createValues({ key: template, schema, codec, emit }: ValuesOptions): BehindValues {
  let isPlainTold = false

  const check = (value: unknown): unknown => {
    const checked = checkBySchema(template, schema, value)
    if (checked.outcome === 'refused')
      return misuse(`write of ${template}`, `the schema refuses the value at ${checked.path}`)
    checkValue(template, checked.value)
    return checked.value
  }
  const fail = (operation: 'seal' | 'open', key: string, error: unknown): never => {
    const code = codeOf(error)
    emit({ type: 'codec-error', key, operation, code })
    const message = `the codec could not ${operation} a write of ${key} (${code})`
    throw new StoreError(message, { key, code: 'CODEC_FAILED', retryable: true })
  }

  return {
    check,
    checkNew(given) {
      const value = check(given)
      const bytes = bytesOf(JSON.stringify(value))
      if (bytes > MAX_VALUE)
        misuse(
          `write of ${template}`,
          `the value takes ${bytes} bytes, and at most ${MAX_VALUE} are accepted; store it elsewhere and write its name`,
        )
      return value
    },
    async seal(value, key, id) {
      const text = JSON.stringify(value as Json)
      if (codec === undefined && !isPlainTold) emit({ type: 'plaintext' })
      isPlainTold = true
      try {
        return codec === undefined ? text : await withCodecTimeout(codec.seal(text, `${key} ${id}`))
      } catch (error) {
        return fail('seal', key, error)
      }
    },
    async open(sealed, key, id) {
      let text = sealed
      try {
        if (codec !== undefined) text = await withCodecTimeout(codec.open(sealed, `${key} ${id}`))
      } catch (error) {
        return fail('open', key, error)
      }
      const value = parseJson(text)
      if (value === undefined) return fail('open', key, new SyntaxError())
      const checked = checkBySchema(template, schema, value)
      if (checked.outcome === 'accepted') return checked.value
      const message = `the schema of ${template} refuses a value of ${key} that was accepted before, at ${checked.path}`
      throw new StoreError(message, { key, code: 'SCHEMA_REFUSED', retryable: false })
    },
  }
}

/** What failed, by a code or a name. The message may quote the value. */
function codeOf(error: unknown): string {
  const { code, name } = asFields(error) ?? {}
  if (matches(code, /^[A-Z]{1,20}(_[A-Z]{1,20}){1,5}$/)) return code
  return matches(name, /^(?!Error$)[A-Za-z]{1,60}$/) ? name : 'CODEC_FAILED'
}
