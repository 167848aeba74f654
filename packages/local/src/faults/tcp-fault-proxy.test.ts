import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { TcpFault, TcpFaultProxy } from './start-tcp-fault-proxy.ts'
import { startTcpFaultProxy } from './start-tcp-fault-proxy.ts'

const PATIENT = { timeout: 4500 }
const open: (() => unknown)[] = []
/** Lines that arrived whole at the server behind the proxy. */
let applied: string[]
let proxy: TcpFaultProxy

beforeEach(async () => {
  applied = []
  // A server of lines: it greets, and answers each line in two pieces.
  const server = createServer((socket) => {
    let text = ''
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      text += bytes
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        applied.push(text.slice(0, end))
        text = text.slice(end + 1)
        socket.write('answer ')
        const number = applied.length
        setImmediate(() => socket.write(`${number}\n`))
      }
    })
    open.push(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => server.close())
  const address = server.address()
  const target = address !== null && typeof address === 'object' ? address.port : 0
  proxy = await startTcpFaultProxy({
    target,
    isRequest: (chunk) => chunk.includes('SET'),
    isAnswer: (bytes) => bytes.includes('\n'),
  })
  open.push(() => proxy.close())
})
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** A client: all that it received, and what its connection ended with. */
function client() {
  const socket: Socket = connect(proxy.port, '127.0.0.1')
  const seen = { text: '', end: '' }
  socket.on('data', (bytes) => {
    seen.text += bytes
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    seen.end = error.code ?? 'failed'
  })
  open.push(() => socket.destroy())
  return { socket, seen }
}

function strike(fault: TcpFault) {
  proxy.next(fault)
  const one = client()
  one.socket.write('SET a\n')
  return one.seen
}

describe('each fault on a connection, before and after the request is applied', () => {
  test.each([
    ['before', []],
    ['after', ['SET a']],
  ] as const)('reset %s', async (when, expected) => {
    const seen = strike({ kind: 'reset', when })
    await expect.poll(() => seen.end, PATIENT).toBe('ECONNRESET')
    expect(seen.text).toBe('')
    expect(applied).toEqual(expected)
  })

  test.each([
    ['before', []],
    ['after', ['SET a']],
  ] as const)('bytes %s are the answer', async (when, expected) => {
    const seen = strike({ kind: 'bytes', when, bytes: '-DENIED\n' })
    await expect.poll(() => seen.text, PATIENT).toBe('-DENIED\n')
    expect(applied).toEqual(expected)
  })

  test.each([
    ['before', 0],
    ['after', 1],
  ] as const)('hang %s: the connection stays open and silent, others answer', async (when, expected) => {
    const seen = strike({ kind: 'hang', when })
    await expect.poll(() => [proxy.counts().requests, applied.length], PATIENT).toEqual([1, expected])
    const other = client()
    other.socket.write('SET b\n')
    await expect.poll(() => other.seen.text, PATIENT).toContain('\n')
    expect(seen).toEqual({ text: '', end: '' })
    expect(proxy.connections()).toBe(2)
  })

  test.each(['before', 'after'] as const)('latency %s delays and changes nothing', async (when) => {
    const seen = strike({ kind: 'latency', when, ms: 5 })
    await expect.poll(() => seen.text, PATIENT).toBe('answer 1\n')
  })

  test('truncate before: half the request arrives and nothing is applied', async () => {
    const seen = strike({ kind: 'truncate', when: 'before' })
    await expect.poll(() => seen.end, PATIENT).toBe('ECONNRESET')
    expect(applied).toEqual([])
  })

  test('truncate after: the request is applied and at most half the answer arrives', async () => {
    const seen = strike({ kind: 'truncate', when: 'after' })
    await expect.poll(() => seen.end, PATIENT).toBe('ECONNRESET')
    expect('answ').toContain(seen.text)
    expect(applied).toEqual(['SET a'])
  })

  test.each([
    ['before', 'answer 2\n'],
    ['after', 'answer 1\n'],
  ] as const)('duplicate %s applies the request twice', async (when, answer) => {
    const seen = strike({ kind: 'duplicate', when })
    await expect.poll(() => [applied.length, seen.text], PATIENT).toEqual([2, answer])
    expect(applied).toEqual(['SET a', 'SET a'])
  })
})

test('what is no request passes, and takes no fault', async () => {
  proxy.next({ kind: 'reset', when: 'before' })
  const { socket, seen } = client()
  socket.write('HELLO\n')
  await expect.poll(() => seen.text, PATIENT).toBe('answer 1\n')
  expect(proxy.counts()).toEqual({ requests: 0, injected: {} })
})

test('rules see the request, and counters say what was injected', async () => {
  proxy.rules.push(({ chunk, number }) =>
    number > 1 && chunk.includes('b') ? { kind: 'bytes', when: 'before', bytes: 'no\n' } : undefined,
  )
  const { socket, seen } = client()
  socket.write('SET b\n')
  await expect.poll(() => seen.text, PATIENT).toBe('answer 1\n')
  socket.write('SET b\n')
  await expect.poll(() => seen.text, PATIENT).toBe('answer 1\nno\n')
  expect(proxy.counts()).toEqual({ requests: 2, injected: { 'bytes before': 1 } })
})

describe('connections that break while they are idle', () => {
  test('a reset reaches the client', async () => {
    const { socket, seen } = client()
    socket.write('HELLO\n')
    await expect.poll(() => seen.text, PATIENT).toBe('answer 1\n')
    proxy.breakConnections('reset')
    await expect.poll(() => seen.end, PATIENT).toBe('ECONNRESET')
  })

  test('silence is not noticed, and a new connection answers', async () => {
    const { socket, seen } = client()
    socket.write('HELLO\n')
    await expect.poll(() => seen.text, PATIENT).toBe('answer 1\n')
    proxy.breakConnections('silence')
    socket.write('SET a\n')
    const other = client()
    other.socket.write('SET b\n')
    await expect.poll(() => other.seen.text, PATIENT).toBe('answer 2\n')
    expect(seen).toEqual({ text: 'answer 1\n', end: '' })
    expect(applied).toEqual(['HELLO', 'SET b'])
  })
})
