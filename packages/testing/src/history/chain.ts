import { parseRecord, type WarmRecord } from '@warmtoken/core/record'
import type { Violate } from './violation.ts'
import type { Write } from './writes.ts'

/** One applied write, with the record that it made. */
export interface Link {
  readonly write: Write
  readonly record: WarmRecord
}

/**
 * The one chain of applied writes, oldest first: from the final image back to "nothing there", each step to the tag that
 * the write expected. It ends early where a step cannot be made, and says so.
 */
export function rebuildChain(
  writes: ReadonlyMap<string, Write>,
  options: { readonly key: string; readonly finalTag: string | undefined; readonly violate: Violate },
): readonly Link[] {
  const { key, finalTag, violate } = options
  const links: Link[] = []
  const met = new Set<string>()
  let tag = finalTag
  while (tag !== undefined) {
    const write = writes.get(tag)
    if (write === undefined) {
      violate('I1', tag, 'it was there, and nobody sent it')
      break
    }
    if (met.has(tag)) {
      violate('I1', tag, 'the chain of writes is a ring')
      break
    }
    met.add(tag)
    const record = recordOf(write, key, links.at(-1)?.record)
    if (record === undefined) {
      violate('I1', tag, 'a body that is not a record was written')
      break
    }
    links.push({ write, record })
    tag = write.expected
  }
  return links.reverse()
}

/**
 * The record that landed. Of a write that was repeated with a newer text it is the one that the next write built on:
 * only a publish is repeated so, and what comes after a publish keeps its value.
 */
function recordOf({ bodies }: Write, key: string, next: WarmRecord | undefined): WarmRecord | undefined {
  const records = bodies.flatMap((body) => {
    const parsed = parseRecord(body, key)
    return parsed.outcome === 'record' ? [parsed.record] : []
  })
  const builtUpon = records.find(({ value }) => value?.version === next?.value?.version)
  return builtUpon ?? records.at(-1)
}

/** Checks that the chain holds all that was acknowledged, and that no tag was replaced twice. */
export function checkChain(
  writes: ReadonlyMap<string, Write>,
  positions: ReadonlyMap<string, number>,
  violate: Violate,
): void {
  const replaced = new Map<string | undefined, string>()
  for (const { tag, expected, acknowledgedAt } of writes.values()) {
    const onChain = positions.has(tag)
    if (acknowledgedAt === undefined && !onChain) continue
    if (!onChain) violate('I1', tag, 'it was acknowledged and is not on the chain')
    const other = replaced.get(expected)
    if (other !== undefined) violate('I1', tag, `${expected ?? 'nothing there'} was replaced by ${other} too`)
    replaced.set(expected, tag)
  }
}
