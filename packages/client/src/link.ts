import { openSocket, openStream, type TransportOptions } from './transports.ts'

const ACK_WITHIN = 10_000
const TOPICS_A_FRAME = 20

/** A connection with its subscriptions. */
export interface Link {
  /** Follows more topics: on a stream, by the next one. */
  subscribe(topics: readonly string[]): void
  unsubscribe(topic: string): void
  ping(): void
  end(): void
}

/** What a link is made from. */
export interface LinkOptions extends Omit<TransportOptions, 'onEnd'> {
  readonly isSocket: boolean
  /** Once, however it ended. `wasOpen`: whether all topics had been acknowledged. */
  readonly onEnd: (wasOpen: boolean) => void
}

/** Opens a connection and follows the topics. `onOpen` is called when the server has acknowledged all of them. */
export function openLink({ isSocket, onOpen, onFrame, onEnd, ...options }: LinkOptions): Link {
  const wanted = new Set<number>()
  let id = 0
  let isOpen = false
  const deadline = setTimeout(() => transport.end(), ACK_WITHIN)
  const send = (action: string, topics?: readonly string[]): number => {
    id += 1
    transport.send({ action, id, topics })
    return id
  }
  const subscribe = (topics: readonly string[]): void => {
    for (let start = 0; start < topics.length; start += TOPICS_A_FRAME)
      wanted.add(send('subscribe', topics.slice(start, start + TOPICS_A_FRAME)))
  }
  const transport = (isSocket ? openSocket : openStream)({
    ...options,
    onOpen: () => subscribe(options.topics),
    onFrame(frame) {
      onFrame(frame)
      if (frame.ack === undefined) return
      wanted.delete(frame.ack)
      if (wanted.size > 0 || isOpen) return
      isOpen = true
      clearTimeout(deadline)
      onOpen()
    },
    onEnd() {
      clearTimeout(deadline)
      onEnd(isOpen)
    },
  })
  return {
    subscribe: isSocket ? subscribe : (topics) => topics.length > 0 && transport.end(),
    unsubscribe: (topic) => void send('unsubscribe', [topic]),
    ping: () => void send('ping'),
    end: transport.end,
  }
}
