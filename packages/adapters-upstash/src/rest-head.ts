import { failure } from './failure.ts'

/** The longest head of an answer, in bytes: what `node:http` takes. */
const MAX_HEAD = 16 * 1024
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
  readonly syncToken: string
}

/** Reads the head of an answer of HTTP/1.1; `undefined` while it is not there. Throws when the bytes are none. */
export const readHead = (bytes: Buffer): Head | undefined => {
  let start = 0
  for (let interim = 0; interim <= MAX_INTERIM; interim += 1) {
    const end = bytes.indexOf(END, start, 'latin1')
    if ((end < 0 ? bytes.length : end) - start > MAX_HEAD) throw failure('NetworkError', 'the head is too long')
    if (end < 0) return undefined
    const lines = bytes.toString('latin1', start, end).split('\r\n')
    const [, minor, code] = /^HTTP\/1\.([01]) (\d{3})( |$)/.exec(lines[0] ?? '') ?? []
    const status = Number(code)
    if (code === undefined || status < 100 || status === 101) break
    start = end + END.length
    if (status >= 200) return headOf(lines, { status, bodyAt: start, persists: minor === '1' })
  }
  throw failure('NetworkError', 'the server speaks something else')
}

const headOf = (
  lines: readonly string[],
  { status, bodyAt, persists }: { readonly status: number; readonly bodyAt: number; readonly persists: boolean },
): Head => {
  let length: string | undefined
  let encoding: string | undefined
  let keepAlive = persists
  let syncToken = ''
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    // Two that differ make a number of neither.
    if (name === 'content-length') length = length === undefined ? contentOf(line, colon) : `${length},`
    else if (name === 'transfer-encoding') encoding = contentOf(line, colon).toLowerCase()
    else if (name === 'connection') keepAlive &&= contentOf(line, colon).toLowerCase() !== 'close'
    // It goes into the next request's head: a character that could end a line there is left out, with all of it.
    else if (name === 'upstash-sync-token') syncToken = /^[ -~]*$/.exec(contentOf(line, colon))?.[0] ?? ''
  }
  const isEmpty = status === 204 || status === 304
  const isWrong =
    (length !== undefined && !/^\d{1,15}$/.test(length)) ||
    (encoding !== undefined && (encoding !== 'chunked' || length !== undefined))
  if (isWrong) throw failure('NetworkError', 'the end of the answer cannot be told')
  const told = length === undefined ? undefined : Number(length)
  return {
    status,
    bodyAt,
    length: isEmpty ? 0 : told,
    chunked: !isEmpty && encoding !== undefined,
    keepAlive,
    syncToken,
  }
}

const contentOf = (line: string, colon: number): string => line.slice(colon + 1).trim()
