import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** The fields of each event but `type` and `name`, as the types have them. */
function declared(): ReadonlyMap<string, readonly string[]> {
  const interfaces = read('packages/core/src/events.ts').matchAll(
    /export interface \w+Event( extends TokenEvent)? \{\n([\s\S]*?)\n\}/g,
  )
  return new Map(
    [...interfaces].flatMap(([, ofToken, body = '']) => {
      const type = /readonly type: '([\w-]+)'/.exec(body)?.[1]
      const names = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name = '']) => name)
      const own = names.filter((name) => name !== 'type')
      return type === undefined ? [] : [[type, ofToken ? ['key', ...own] : own] as const]
    }),
  )
}

/** The rows of the page's table: the name of the event, and what is in code marks in its last column. */
function described(): ReadonlyMap<string, readonly string[]> {
  const [, table = ''] = /^## All events\n([\s\S]*?)^## /m.exec(read('docs/events.md')) ?? []
  const rows = [...table.matchAll(/^\| `([\w-]+)` \| [^|]* \| ([^|]*)\|$/gm)]
  return new Map(
    rows.map(([, type = '', last = '']) => [type, [...last.matchAll(/`([\w-]+)`/g)].map(([, it = '']) => it)]),
  )
}

describe('the page of the events', () => {
  const events = declared()
  const rows = described()

  it('is compared with all events', () => {
    expect(events.size).toBeGreaterThanOrEqual(15)
    expect(events.get('hit')).toEqual(['key', 'tier', 'stale', 'remaining', 'waited'])
    expect(events.get('plaintext')).toEqual([])
  })

  it('has a row for each event, and for nothing else', () => {
    expect([...rows.keys()].sort()).toEqual([...events.keys()].sort())
  })

  it.each([...events])('names every field of %s', (type, fields) => {
    const named = rows.get(type) ?? []
    expect(fields.filter((field) => field !== 'key' && !named.includes(field))).toEqual([])
  })

  it('says which event has no key', () => {
    const without = [...events].filter(([, fields]) => !fields.includes('key')).map(([type]) => type)
    const page = read('docs/events.md')
    expect(without.filter((type) => !new RegExp(`\\| \`${type}\` \\|.*no \`key\``).test(page))).toEqual([])
  })
})
