import type { Json } from '../contracts.ts'
import { inflate } from './bodies.ts'
import { parseEnvelope } from './envelope.ts'
import type { Cached, DataSource } from './home.ts'

/**
 * The cached value in untrusted JSON of so many characters. `undefined` when it is none, or of another shape than the
 * resource's: that counts as a miss.
 */
export function parseCached<V>(source: DataSource<V>, json: Json, length: number): Cached<V> | undefined {
  const envelope = parseEnvelope(json)
  if (envelope === undefined) return undefined
  const { content, under, mark } = envelope
  if (content.kind === 'body')
    return { value: undefined, unread: content.pointer, content, under, mark, length: content.pointer.length }
  if (content.kind === 'none') return { value: undefined, under, mark, length }
  const inner = content.kind === 'zip' ? inflate(content.zip) : { json: content.value, length }
  const parsed = inner && source.parse(inner.json)
  return parsed && { value: parsed.value, content, under, mark, length: inner.length }
}
