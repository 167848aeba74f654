import type { LiveFrame } from './types.ts'

/** One connection, of either kind. */
export interface Transport {
  send(frame: object): void
  end(): void
}

/** What a transport is made from. */
export interface TransportOptions {
  readonly url: string
  readonly ticket: () => Promise<string>
  readonly topics: readonly string[]
  /** The last frame of the stream before, if there was one with the same topics. */
  readonly lastEventId: string | undefined
  readonly onOpen: () => void
  readonly onFrame: (frame: LiveFrame) => void
  /** Once, however it ended. */
  readonly onEnd: () => void
}

const PROTOCOL = 'warmtoken.live.1'
/** The longest frame of a stream, in characters. */
const MAX_FRAME = 262_144

/** By WebSocket. */
export function openSocket({ url, ticket, onOpen, onFrame, onEnd }: TransportOptions): Transport {
  let socket: WebSocket | undefined
  const end = once(() => {
    socket?.close()
    onEnd()
  })
  ticket()
    .then((value) => {
      if (end.isOver()) return
      // Whatever the address is wrong about, it throws here and ends the attempt.
      socket = new WebSocket(`${url}${url.includes('?') ? '&' : '?'}ticket=${encodeURIComponent(value)}`, PROTOCOL)
      socket.onopen = onOpen
      socket.onmessage = ({ data }) => read(data, onFrame)
      socket.onclose = end
      socket.onerror = end
    })
    .catch(end)
  return {
    send(frame) {
      if (socket?.readyState === 1) socket.send(JSON.stringify(frame))
    },
    end,
  }
}

/** By Server-Sent Events over `fetch`: an `EventSource` can send no body, and a ticket must not be in a URL that lives on. */
export function openStream({ url, ticket, topics, lastEventId, onFrame, onEnd }: TransportOptions): Transport {
  const controller = new AbortController()
  const { signal } = controller
  const end = once(() => {
    controller.abort()
    onEnd()
  })
  const run = async (): Promise<void> => {
    const body = JSON.stringify({ ticket: await ticket(), topics, lastEventId })
    // Plain text: a request to another site needs no preflight.
    const answer = await fetch(url, { method: 'POST', body, signal, headers: { 'content-type': 'text/plain' } })
    const reader = answer.ok && answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (reader && text.length <= MAX_FRAME) {
      const { done, value } = await reader.read()
      if (done) return
      const parts = (text + value).split('\n\n')
      text = parts.pop() ?? ''
      for (const part of parts) {
        const [, id, data = '{}'] = /^(?:id: (.*)\n)?(?:data: (.*))?/.exec(part) ?? []
        read(data, (frame) => onFrame({ ...frame, ...(id && { id }) }))
      }
    }
  }
  run().then(end, end)
  return { send() {}, end }
}

function once(act: () => void): (() => void) & { isOver: () => boolean } {
  let over = false
  const call = (): void => {
    if (over) return
    over = true
    act()
  }
  return Object.assign(call, { isOver: () => over })
}

function read(data: unknown, onFrame: (frame: LiveFrame) => void): void {
  let frame: unknown
  try {
    frame = JSON.parse(String(data))
  } catch {
    return
  }
  if (typeof frame === 'object' && frame) onFrame(frame)
}
