import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { everythingOf } from './everything.ts'
import { keyMark, type Mark, mark, search, writingsOf } from './marks.ts'
import { pathsOf } from './paths.ts'
import type { Ran } from './run.test-process.ts'
import { subjects } from './sources.ts'

const folder = mkdtempSync(join(tmpdir(), 'warmtoken-redaction-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Result {
  readonly ran: readonly Ran[]
  /** What the process printed. */
  readonly printed: string
}

async function run(number: number): Promise<Result> {
  const file = join(folder, `${number}.json`)
  const program = fileURLToPath(new URL('run.test-process.ts', import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--conditions=source', program, String(number), file],
    { maxBuffer: 64 * 1024 * 1024 },
  )
  return { ran: JSON.parse(readFileSync(file, 'utf8')) as Ran[], printed: `${stdout}\n${stderr}` }
}

/** How many sources run at once, each in a process of its own. */
const WORKERS = 2
const results = new Map<number, Promise<Result>>()
function runAfter(number: number): Promise<Result> {
  const known = results.get(number)
  if (known !== undefined) return known
  const before = number >= WORKERS ? runAfter(number - WORKERS).catch(() => {}) : Promise.resolve()
  const result = before.then(() => run(number))
  result.catch(() => {})
  results.set(number, result)
  return result
}
describe.each(subjects.map((subject, number) => ({ number, ...subject })))('$name', ({ number, ...subject }) => {
  let result: Result = { ran: [], printed: '' }
  beforeAll(async () => {
    const own = runAfter(number)
    if (number + 1 < subjects.length) runAfter(number + 1)
    result = await own
  })

  it('goes every way to its end', () => {
    const { ran } = result
    expect(ran).toHaveLength(pathsOf(subject).length * 2)
    const wrong = ran.filter(({ expected, outcome }) => !new RegExp(expected).test(outcome))
    expect(wrong.map(({ path, rest, expected, outcome }) => `${path} (${rest}): ${outcome}, not ${expected}`)).toEqual(
      [],
    )
  })

  it('shows no secret in anything that comes out', () => {
    const shown = result.ran.flatMap(({ path, rest, marks, outlets }) =>
      outlets.flatMap(({ name: outlet, text, tokens }) =>
        search(text, tokens ? marks.filter((one) => !one.name.endsWith('access token')) : marks).map(
          (found) => `${path} (${rest}): ${outlet} shows ${found}`,
        ),
      ),
    )
    expect([...new Set(shown)]).toEqual([])
  })

  it('prints no secret', () => {
    const marks = new Map(result.ran.flatMap(({ marks: all }) => all.map((one) => [one.text, one] as const)))
    expect(result.printed.length).toBeGreaterThan(10_000)
    expect(search(result.printed, [...marks.values()])).toEqual([])
  })

  it('really had its secrets in play', () => {
    for (const { marks, asked, resting, outlets } of result.ran.filter(({ path }) => path === 'works')) {
      const used = marks.filter(({ name: what }) => /secret|assertion|refresh token|app ticket/.test(what))
      expect(used.length > 0).toBe(subject.unsent !== true)
      expect(used.filter((one) => search(asked, [one]).length === 0).map(({ name: what }) => what)).toEqual([])
      expect(resting.length).toBeGreaterThan(50)
      expect(outlets.find((outlet) => outlet.name === 'events')?.text).toContain("'fetch'")
      expect(outlets.find((outlet) => outlet.name === 'report')?.text).toContain('fetches')
    }
    expect(result.printed).toContain('CloudWatchMetrics')
  })

  it('keeps the token in the value part, readable only where nothing seals it', () => {
    const readable = (rest: Ran['rest']): readonly boolean[] =>
      result.ran
        .filter((one) => one.path === 'works' && one.rest === rest)
        .map(({ marks, resting }) => search(resting, marks).length > 0)
    expect([readable('sealed'), readable('plain')]).toEqual([[false], [true]])
  })
})

/** The error of a parser that quotes the beginning of what it was given. */
function parserError(text: string): unknown {
  try {
    return JSON.parse(`<${text} is not JSON, and longer than what is quoted`)
  } catch (error) {
    return error
  }
}

describe('the search', () => {
  const one = mark('secret')
  const [core = ''] = one.cores
  const complaints = (text: string, marks: readonly Mark[] = [one]): number => search(text, marks).length

  it.each([
    ['as it is', one.text],
    ['in part', core],
    ['in JSON in JSON', JSON.stringify(JSON.stringify({ one: one.text }))],
    ['in an address', `https://example.com/?a=${encodeURIComponent(one.text)}`],
    ['in a form', String(new URLSearchParams({ one: one.text }))],
    ['in base64', Buffer.from(`client:${one.text}`).toString('base64')],
    ['in base64, one byte on', Buffer.from(`a client:${one.text}`).toString('base64')],
    ['in base64, two bytes on', Buffer.from(`my client:${one.text}`).toString('base64url')],
    ['in hex', Buffer.from(one.text).toString('hex')],
    ['in hex, capitals', Buffer.from(one.text).toString('hex').toUpperCase()],
    ['in escapes', [...core].map((one) => `\\u00${one.charCodeAt(0).toString(16)}`).join('')],
    ['in the words of a parser', everythingOf(parserError(core))],
    ['in a buffer', everythingOf({ deep: { buffer: Buffer.from(one.text) } })],
    [
      'in a hidden property',
      everythingOf(Object.defineProperty(new Error('no'), 'request', { value: { one: one.text } })),
    ],
    ['in the cause of a cause', everythingOf(new Error('no', { cause: new Error('no', { cause: one.text }) }))],
    ['in the name of a property', everythingOf({ [one.text]: 1 })],
    ['under a symbol', everythingOf({ [Symbol('hidden')]: [new Map([['a', one.text]])] })],
  ])('finds a secret %s', (_where, text) => {
    expect(complaints(text)).toBeGreaterThan(0)
  })

  it('finds a private key by any of its last lines, and by its numbers', () => {
    const key = keyMark('key')
    expect(key.cores.length).toBeGreaterThan(8)
    expect(complaints(key.text.split('\n').at(-4) ?? '', [key])).toBeGreaterThan(0)
    for (const core of key.cores) for (const [, written] of writingsOf(core)) expect(written.length).toBeGreaterThan(8)
  })

  it('finds nothing where nothing is', () => {
    expect(complaints(mark('another').text)).toBe(0)
    expect(complaints('')).toBe(0)
  })
})
