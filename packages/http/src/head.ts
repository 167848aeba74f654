import { unreadable } from './failure.ts'

/** The longest head of an answer, in bytes: what `node:http` takes. */
export const MAX_HEAD: number = 16 * 1024
/** How often a server may say first that its answer is on the way. */
const MAX_INTERIM = 8
const END = '\r\n\r\n'

/** What of the head of an answer matters here. */
export interface Head {
  readonly status: number
  /** Where the body begins. */
  readonly bodyAt: number
  /** How long it is, in bytes; `undefined` when its end tells. */
  readonly length: number | undefined
  /** Whether it comes in chunks, which tell their lengths themselves. */
  readonly chunked: boolean
  /** Whether another request may follow on this connection. */
  readonly keepAlive: boolean
  /** The headers that are wanted, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

const FIRST_LINE = /^HTTP\/1\.([01]) (\d{3})( [\t -~\x80-\xff]*)?$/
/** No blank before the colon, no folded line, no end of a line or other character of control within one. */
const HEADER = /^([!#$%&'*+.^_`|~\w-]+):([\t -~\x80-\xff]*)$/

/** Makes what reads the head of an answer of HTTP/1.1; `undefined` while it is not there. It throws when the bytes are none. */
export function headReader(wanted: readonly string[]): (bytes: Buffer) => Head | undefined {
  let start = 0
  let interim = 0
  return (bytes) => {
    for (; interim <= MAX_INTERIM; interim += 1) {
      const end = bytes.indexOf(END, start, 'latin1')
      if ((end < 0 ? bytes.length : end) - start > MAX_HEAD) throw unreadable('the head of the answer is too long')
      if (end < 0) return undefined
      const [first = '', ...lines] = bytes.toString('latin1', start, end).split('\r\n')
      const [, minor, code] = FIRST_LINE.exec(first) ?? []
      const status = Number(code)
      if (code === undefined || status < 100 || status === 101) break
      start = end + END.length
      if (status >= 200) return headOf(headersOf(lines), { wanted, status, bodyAt: start, persists: minor === '1' })
      // HTTP/1.0 has none of these.
      if (minor === '0') break
      checkAside(lines)
    }
    throw unreadable('the server speaks something else')
  }
}

/** What tells of the end of an answer or its connection. */
const FRAMING = ['content-length', 'transfer-encoding', 'connection']

/** Checks headers beside those of an answer, before them or behind its body: they may not tell of another end. */
export function checkAside(lines: readonly string[]): void {
  const headers = headersOf(lines)
  if (FRAMING.some((name) => headers.has(name))) throw unreadable('the end of the answer is told in the wrong place')
}

/** The headers by name. As `node:http` does it, those of one name are one, with commas between. */
function headersOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (const line of lines) {
    const [, name = '', value = ''] = HEADER.exec(line) ?? []
    if (name === '') throw unreadable('a header of the answer cannot be read')
    const key = name.toLowerCase()
    // A tab is a blank for some and part of the value for others, Node among them.
    if (FRAMING.includes(key) && value.includes('\t')) throw unreadable('the end of the answer cannot be told')
    const known = headers.get(key)
    const content = trimmed(value)
    headers.set(key, known === undefined ? content : `${known}, ${content}`)
  }
  return headers
}

/** Without the blanks around it: `trim` would take more for blanks, and an expression the square of their number. */
function trimmed(value: string): string {
  let [start, end] = [0, value.length]
  while (isBlank(value[start])) start += 1
  while (end > start && isBlank(value[end - 1])) end -= 1
  return value.slice(start, end)
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

interface Start {
  readonly wanted: readonly string[]
  readonly status: number
  readonly bodyAt: number
  readonly persists: boolean
}

function headOf(found: ReadonlyMap<string, string>, { wanted, status, bodyAt, persists }: Start): Head {
  const length = found.get('content-length')
  const encoding = found.get('transfer-encoding')?.toLowerCase()
  // Two lengths make a number of neither.
  const isWrong =
    (length !== undefined && !/^\d{1,15}$/.test(length)) ||
    (encoding !== undefined && (encoding !== 'chunked' || length !== undefined || !persists))
  if (isWrong) throw unreadable('the end of the answer cannot be told')
  const isEmpty = status === 204 || status === 304
  const told = length === undefined ? undefined : Number(length)
  const headers: Record<string, string> = {}
  for (const name of wanted) {
    const value = found.get(name)
    if (value !== undefined) headers[name] = value
  }
  return {
    status,
    bodyAt,
    length: isEmpty ? 0 : told,
    chunked: !isEmpty && encoding !== undefined,
    keepAlive: persists && !/(^|[\t ,])close([\t ,]|$)/i.test(found.get('connection') ?? ''),
    headers,
  }
}
