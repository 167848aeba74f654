import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectionsTo, type Request } from './index.ts'
import { type RawServer, startRaw } from './raw.test-server.ts'

let raw: RawServer
beforeEach(async () => {
  raw = await startRaw()
})
afterEach(async () => {
  vi.useRealTimers()
  await raw.close()
})

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const REQUEST: Request = { method: 'POST', path: '/', headers: {}, body: 'asked' }
function soon(): AbortSignal {
  return AbortSignal.timeout(10_000)
}
function nameOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'it did not reject',
    (error: Error) => error.name,
  )
}
function gone(socket: Socket | undefined): Promise<void> {
  return new Promise<void>((resolve) => {
    // Not `once` of `node:events`, which rejects when the other side resets the connection.
    if (socket === undefined || socket.destroyed) resolve()
    else socket.on('close', () => resolve())
  })
}

describe('a request', () => {
  it('is sent as it is asked for, with what frames it written by nobody else', async () => {
    raw.answer = (socket) => void socket.write(OK)
    const headers = { 'x-one': '1', host: 'elsewhere', 'content-length': '1', connection: 'close' }
    await connectionsTo(raw.url)({ method: 'POST', path: '/a?b=c', headers, body: 'bödy' }, soon())
    expect(raw.received).toEqual([
      `POST /a?b=c HTTP/1.1\r\nx-one: 1\r\nhost: ${raw.url.host}\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\nbödy`,
    ])
  })

  it.each<[string, Partial<Record<keyof Request, unknown>>]>([
    ['a line’s end in a header', { headers: { 'x-one': 'marked\r\nx-two: 1' } }],
    ['half a line’s end', { headers: { 'x-one': 'marked\n' } }],
    ['a NUL', { headers: { 'x-one': 'marked\0' } }],
    ['what is not ASCII', { headers: { 'x-one': 'marked\xe9' } }],
    ['no header', { headers: { 'x-one: marked\r\nx-two': '1' } }],
    ['a header without a name', { headers: { '': 'marked' } }],
    ['a header in capitals, which could be there twice', { headers: { 'Content-Length': '1' } }],
    ['another way to tell its end', { headers: { 'transfer-encoding': 'chunked' } }],
    ['a wish for another protocol', { headers: { upgrade: 'marked' } }],
    ['a path with an end', { path: '/ HTTP/1.1\r\nmarked: 1\r\n\r\n' }],
    ['no path', { path: 'marked' }],
    ['another method', { method: 'GET / HTTP/1.1\r\nmarked: 1\r\n\r\nPOST' }],
  ])('with %s is refused and not sent, and the refusal shows nothing of it', async (_name, part) => {
    const call = connectionsTo(raw.url)({ ...REQUEST, ...part } as Request, soon())
    const error = await call.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'RequestRefused' })
    expect(`${(error as Error).stack}`).not.toMatch(/marked/)
    expect(raw.connections).toHaveLength(0)
  })

  it('goes to none but http and https', () => {
    expect(() => connectionsTo(new URL('ftp://127.0.0.1'))).toThrow(TypeError)
  })

  it('goes to hosts of IPv6', async () => {
    const other = await startRaw('::1')
    try {
      other.answer = (socket) => void socket.write(OK)
      expect((await connectionsTo(other.url)(REQUEST, soon())).text).toBe('ok')
      expect(other.received[0]).toContain(`host: [::1]:${other.url.port}\r\n`)
    } finally {
      await other.close()
    }
  })

  it('that nobody is there for tells the system’s code', async () => {
    await raw.close()
    const error = await connectionsTo(raw.url)(REQUEST, soon()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'NetworkError', code: 'ECONNREFUSED' })
    const url = new URL(raw.url)
    // Of two addresses, on most machines: then the system's error has no words.
    url.hostname = 'localhost'
    await expect(connectionsTo(url)(REQUEST, soon())).rejects.toMatchObject({ message: /ECONNREFUSED/ })
    raw = await startRaw()
  })

  it('that is answered before it has gone out has its answer, and its connection is not used again', async () => {
    const exchange = connectionsTo(raw.url)
    raw.answer = (socket) => {
      // Reads no more: what is still to come stays where it is.
      socket.pause()
      socket.write(OK)
    }
    const large = 'x'.repeat(32 * 1024 * 1024)
    expect((await exchange({ ...REQUEST, body: large }, soon())).text).toBe('ok')
    raw.answer = (socket) => void socket.write(OK)
    expect((await exchange(REQUEST, soon())).text).toBe('ok')
    expect(raw.connections).toHaveLength(2)
  })
})

describe('many requests at once', () => {
  /** Asks so often, and gives the connections once fifty of them were asked. */
  const ask = async (count: number, signal?: AbortSignal) => {
    const exchange = connectionsTo(raw.url)
    const open: Socket[] = []
    const fifty = Promise.withResolvers<void>()
    raw.answer = (socket) => {
      if (open.push(socket) === 50) fifty.resolve()
    }
    const early = Array.from({ length: 50 }, () => exchange(REQUEST, soon()))
    const late = Array.from({ length: count - 50 }, () => exchange(REQUEST, signal ?? soon()))
    await fifty.promise
    raw.answer = (socket) => void socket.write(OK)
    return { early, late, open, exchange }
  }

  it('take fifty connections, and the next have their turn', async () => {
    const { early, late, open } = await ask(120)
    for (const socket of open) socket.write(OK)
    for (const { text } of await Promise.all([...early, ...late])) expect(text).toBe('ok')
    expect(raw.connections).toHaveLength(50)
    expect(raw.received.join('').match(/POST/g)).toHaveLength(120)
  })

  it('that wait for a turn end at once when they are aborted, and take nobody’s turn', async () => {
    const controller = new AbortController()
    const { early, late, open, exchange } = await ask(60, controller.signal)
    controller.abort()
    expect(new Set(await Promise.all(late.map(nameOf)))).toEqual(new Set(['AbortError']))
    const next = exchange(REQUEST, soon())
    for (const socket of open) socket.write(OK)
    await Promise.all([...early, next])
    expect(raw.received.join('').match(/POST/g)).toHaveLength(51)
  })

  it('that are aborted one by one by the same event open no connections for those who are next', async () => {
    const connect = vi.spyOn(process.getBuiltinModule('node:net'), 'connect')
    const exchange = connectionsTo(raw.url)
    const fifty = Promise.withResolvers<void>()
    raw.answer = () => {
      if (raw.received.length === 50) fifty.resolve()
    }
    const controllers = Array.from({ length: 200 }, () => new AbortController())
    const calls = controllers.map(({ signal }) => nameOf(exchange(REQUEST, signal)))
    await fifty.promise
    for (const controller of controllers) controller.abort()
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['AbortError']))
    expect(connect).toHaveBeenCalledTimes(50)
    connect.mockRestore()
  })

  it('have their turns also when all before them fail', async () => {
    const { early, late, open } = await ask(70)
    for (const socket of open) socket.destroy()
    expect(await Promise.all(early.map(nameOf))).not.toContain('it did not reject')
    for (const { text } of await Promise.all(late)) expect(text).toBe('ok')
  })
})

describe('an abort', () => {
  it('before the request sends nothing', async () => {
    expect(await nameOf(connectionsTo(raw.url)(REQUEST, AbortSignal.abort()))).toBe('AbortError')
    expect(raw.connections).toHaveLength(0)
  })

  it('before the connection stands sends nothing', async () => {
    const controller = new AbortController()
    const exchange = connectionsTo(raw.url)
    const call = exchange(REQUEST, controller.signal)
    controller.abort()
    expect(await nameOf(call)).toBe('AbortError')
    raw.answer = (socket) => void socket.write(OK)
    expect((await exchange(REQUEST, soon())).text).toBe('ok')
    expect(raw.received.join('').match(/POST/g)).toHaveLength(1)
  })

  it.each([
    ['when the request has come', ''],
    ['in the head', OK.slice(0, 10)],
    ['in the body', OK.slice(0, -1)],
  ])('%s ends the connection, and the next request has its own answer', async (_name, begun) => {
    const controller = new AbortController()
    const exchange = connectionsTo(raw.url)
    raw.answer = (socket) => void socket.write(begun, () => controller.abort())
    expect(await nameOf(exchange(REQUEST, controller.signal))).toBe('AbortError')
    await gone(raw.connections[0])
    raw.answer = (socket) => void socket.write(OK)
    expect((await exchange(REQUEST, soon())).text).toBe('ok')
    expect(raw.connections).toHaveLength(2)
  })

  it('before the request is sent ends no connection but the one that it had', async () => {
    const exchange = connectionsTo(raw.url)
    raw.answer = (socket) => void socket.write(OK)
    await Promise.all([exchange(REQUEST, soon()), exchange(REQUEST, soon())])
    const controller = new AbortController()
    const call = nameOf(exchange(REQUEST, controller.signal))
    // The call is in hand, and its connection is looked at before it is written to.
    await Promise.resolve()
    controller.abort()
    expect(await call).toBe('AbortError')
    expect((await exchange(REQUEST, soon())).text).toBe('ok')
    expect(raw.connections).toHaveLength(2)
    expect(raw.received.join('').match(/POST/g)).toHaveLength(3)
  })

  it('after the answer is nobody’s matter, and leaves nobody listening', async () => {
    const controller = new AbortController()
    const exchange = connectionsTo(raw.url)
    raw.answer = (socket) => void socket.write(OK)
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    await exchange(REQUEST, controller.signal)
    expect(remove).toHaveBeenCalledOnce()
    controller.abort()
    expect((await exchange(REQUEST, soon())).text).toBe('ok')
    expect(raw.connections).toHaveLength(1)
  })
})

describe('a time-out', () => {
  it('ends a request that is not answered, and not the connection of the next', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const exchange = connectionsTo(raw.url, { connectTimeout: 300, answerTimeout: 800 })
    const { signal } = new AbortController()
    const asked = Promise.withResolvers<void>()
    raw.answer = () => asked.resolve()
    const call = exchange(REQUEST, signal)
    await asked.promise
    vi.advanceTimersByTime(799)
    const late = nameOf(call)
    vi.advanceTimersByTime(1)
    expect(await late).toBe('TimeoutError')
    raw.answer = (socket) => void socket.write(OK)
    expect((await exchange(REQUEST, signal)).text).toBe('ok')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends a request whose connection does not stand in time, and it is not sent', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const exchange = connectionsTo(raw.url, { connectTimeout: 300, answerTimeout: 800 })
    const call = exchange(REQUEST, new AbortController().signal)
    // Before anything of the system was heard.
    vi.advanceTimersByTime(300)
    await expect(call).rejects.toMatchObject({ name: 'TimeoutError', message: 'no connection in time' })
    expect(vi.getTimerCount()).toBe(0)
    raw.answer = (socket) => void socket.write(OK)
    expect((await exchange(REQUEST, new AbortController().signal)).text).toBe('ok')
    expect(raw.received.join('').match(/POST/g)).toHaveLength(1)
  })

  it('counts no handshake as a connection that does not stand, and ends a request that stays in one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const url = new URL(`https://127.0.0.1:${raw.url.port}`)
    const greeted = Promise.withResolvers<void>()
    raw.answer = () => greeted.resolve()
    const call = connectionsTo(url, { connectTimeout: 300, answerTimeout: 800 })(REQUEST, new AbortController().signal)
    const ended = expect(call).rejects.toMatchObject({ name: 'TimeoutError', message: 'no answer in time' })
    // The client greets when it is connected.
    await greeted.promise
    vi.advanceTimersByTime(799)
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(1)
    await ended
    expect(vi.getTimerCount()).toBe(0)
  })
})
