import { createServer, request, type ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerReader } from './answer.ts'
import { connectionsTo } from './index.ts'
import { cut, inPieces, type RawServer, startRaw } from './raw.test-server.ts'

const WANTED = ['date', 'x-a', 'x-b']
const MAX = 1024 * 1024

/** The same answers each time, for the same code must give the same result; with `WARMTOKEN_FUZZ=N`, N that are new. */
function runs(numRuns: number): { readonly numRuns: number; readonly seed?: number } {
  const { WARMTOKEN_FUZZ: wanted } = process.env
  return wanted === undefined ? { numRuns, seed: 1 } : { numRuns: Number(wanted) }
}

/** What a server is told to answer. */
const answers = fc.record({
  status: fc.constantFrom(200, 200, 200, 201, 204, 205, 304, 400, 404, 500, 503),
  interim: fc.array(fc.constantFrom('continue', 'processing', 'hints'), { maxLength: 3 }),
  headers: fc.array(fc.tuple(fc.constantFrom('X-A', 'x-b', 'x-c', 'Set-Cookie'), fc.string({ maxLength: 20 })), {
    maxLength: 60,
  }),
  pieces: fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 8 }),
  cuts: fc.array(fc.nat({ max: 4_000 }), { maxLength: 8 }),
  isChunked: fc.boolean(),
  isLast: fc.boolean(),
  trailer: fc.boolean(),
})
type Told = typeof answers extends fc.Arbitrary<infer T> ? T : never

function legal(text: string): string {
  return text.replace(/[^\t -~\x80-\xff]/g, '')
}

function give(told: Told, response: ServerResponse): void {
  for (const kind of told.interim) {
    if (kind === 'continue') response.writeContinue()
    else if (kind === 'processing') response.writeProcessing()
    else response.writeEarlyHints({ link: '</x.css>; rel=preload' })
  }
  response.statusCode = told.status
  // Not the moment's, so that a seed gives the same bytes again.
  response.setHeader('date', 'Sat, 21 Nov 2026 16:37:36 GMT')
  for (const [name, value] of told.headers) response.appendHeader(name, legal(value))
  if (told.isLast) response.setHeader('connection', 'close')
  const body = Buffer.from(told.pieces.join(''))
  const parts = cut(body, told.cuts)
  const hasTrailer = told.isChunked && told.trailer && told.status !== 204 && told.status !== 304
  if (!told.isChunked) response.setHeader('content-length', body.length)
  else if (hasTrailer) response.setHeader('trailer', 'x-trailer')
  // The head alone first, so that a body without a length comes in chunks.
  response.flushHeaders()
  for (const part of parts) response.write(part)
  if (hasTrailer) response.addTrailers({ 'x-trailer': 'x' })
  response.end()
}

/** What a server of Node's writes on its connection. */
async function written(told: Told): Promise<Buffer> {
  const server = createServer((incoming, response) => {
    incoming.resume()
    give(told, response)
    response.on('finish', () => setImmediate(done.resolve))
  })
  const done = Promise.withResolvers<void>()
  const pieces: Buffer[] = []
  const connection = new Duplex({
    read: () => {},
    write: (piece: Buffer, _encoding, next) => {
      pieces.push(piece)
      next()
    },
  })
  server.emit('connection', connection)
  connection.push('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n')
  await done.promise
  connection.destroy()
  return Buffer.concat(pieces)
}

interface Seen {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
}

/** What Node's own client reads; `undefined` when it takes the bytes for no answer. */
function readByNode(pieces: readonly Buffer[]): Promise<Seen | undefined> {
  return new Promise((resolve) => {
    const connection = new Duplex({ read: () => {}, write: (_piece, _encoding, next) => next() })
    const outgoing = request({ method: 'POST', createConnection: () => connection })
    outgoing.on('error', () => resolve(undefined)).on('close', () => resolve(undefined))
    outgoing.on('upgrade', () => resolve(undefined))
    outgoing.on('response', (response) => {
      const body: Buffer[] = []
      response.on('data', (piece: Buffer) => body.push(piece)).on('error', () => resolve(undefined))
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        const found = WANTED.filter((name) => headers[name] !== undefined)
        resolve({
          status,
          text: Buffer.concat(body).toString(),
          headers: Object.fromEntries(found.map((name) => [name, String(headers[name])])),
        })
      })
    })
    outgoing.end(() => {
      for (const piece of pieces) connection.push(piece)
      connection.push(null)
    })
  })
}

/** What we read: the answer, or the name of an error; `undefined` when there is none even at the end. */
function readByUs(pieces: readonly Buffer[]): ReturnType<ReturnType<typeof answerReader>> | string {
  const read = answerReader(MAX, WANTED)
  try {
    for (const [index, piece] of pieces.entries()) {
      const answer = read(piece)
      if (answer !== undefined) return index === pieces.length - 1 ? answer : { ...answer, isLast: true }
    }
    return read(undefined)
  } catch (error) {
    return (error as Error).name
  }
}

const edges = fc.array(fc.nat({ max: 8_000 }), { maxLength: 12 })

describe('an answer that a server of Node’s writes', () => {
  it('is read as Node’s own client reads it, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(answers, edges, async (told, at) => {
        const bytes = await written(told)
        const pieces = cut(bytes, at)
        expect(readByUs(pieces)).toEqual({ ...(await readByNode(pieces)), isLast: told.isLast })
        expect(readByUs([...bytes].map((byte) => Buffer.from([byte])))).toEqual(readByUs(pieces))
      }),
      runs(500),
    )
  })

  describe('and a connection gives in pieces', () => {
    let raw: RawServer
    beforeAll(async () => {
      raw = await startRaw()
    })
    afterAll(() => raw.close())

    it('is read the same, one after the other', async () => {
      const exchange = connectionsTo(raw.url, { headers: WANTED })
      const post = { method: 'POST', path: '/', headers: {}, body: '' } as const
      await fc.assert(
        fc.asyncProperty(answers, edges, async (told, at) => {
          const pieces = cut(await written(told), at)
          raw.answer = (socket) => void inPieces(socket, pieces)
          const answer = await exchange(post, AbortSignal.timeout(10_000))
          expect(answer).toEqual({ ...(await readByNode(pieces)), isLast: told.isLast })
        }),
        runs(150),
      )
    })
  })
})

const DAMAGE = ['\r', '\n', '\r\n', '\0', ' ', '\t', ':', ',', ';', '0', '5', 'a', 'F', '-', '+', 'x', '\x7f', '\xa0']
const LINES = [
  'content-length: 5\r\n',
  'Content-Length: 0\r\n',
  'transfer-encoding: chunked\r\n',
  'Transfer-Encoding: gzip\r\n',
  'connection: close\r\n',
  ' folded\r\n',
  '0\r\n\r\n',
  'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray',
]
const damages = fc.array(
  fc.record({
    at: fc.nat({ max: 4_000 }),
    drop: fc.nat({ max: 3 }),
    put: fc.constantFrom('', ...DAMAGE, ...LINES),
    /** Most of what decides where an answer ends is where a line does. */
    atLine: fc.boolean(),
  }),
  { minLength: 1, maxLength: 3 },
)
type Damage = typeof damages extends fc.Arbitrary<infer T> ? T : never

function damaged(bytes: Buffer, how: Damage): Buffer {
  return how.reduce((text, { at, drop, put, atLine }) => {
    const ends = [...text.toString('latin1').matchAll(/\r\n/g)].map(({ index }) => index + 2)
    const place = atLine ? (ends[at % Math.max(1, ends.length)] ?? 0) : at % (text.length + 1)
    return Buffer.concat([text.subarray(0, place), Buffer.from(put, 'latin1'), text.subarray(place + drop)])
  }, bytes)
}

describe('an answer that is damaged', () => {
  it('is an error, or ends its connection, or is what Node’s own client reads too', async () => {
    await fc.assert(
      fc.asyncProperty(answers, damages, edges, async (told, how, at) => {
        const pieces = cut(damaged(await written(told), how), at)
        const ours = readByUs(pieces)
        if (ours === undefined || typeof ours === 'string' || ours.isLast) return
        const { isLast: _, ...seen } = ours
        expect(seen).toEqual(await readByNode(pieces))
      }),
      runs(3_000),
    )
  })
})
