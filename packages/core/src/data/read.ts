import type { Json } from '../contracts.ts'
import { parseEnvelope } from './envelope.ts'
import type { Cached, DataSource } from './home.ts'

/**
 * The cached value in untrusted JSON of so many characters. `undefined` when it is none, or of another shape than the
 * resource's: that counts as a miss.
 */
export function parseCached<V>(source: DataSource<V>, json: Json, length: number): Cached<V> | undefined {
  const envelope = parseEnvelope(json)
  if (envelope === undefined || envelope.content.kind === 'body') return undefined
  const { content, under, mark } = envelope
  if (content.kind === 'none') return { value: undefined, under, mark, length }
  const parsed = source.parse(content.value)
  return parsed && { value: parsed.value, under, mark, length }
}
