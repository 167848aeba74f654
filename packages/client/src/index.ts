/**
 * Live events in a browser or in Node: what changed, as soon as it did, repaired after every gap.
 *
 * @module
 */

import { type Link, openLink } from './link.ts'
import { createTopics } from './topics.ts'
import type { Live, LiveFrame, LiveOptions, LiveState } from './types.ts'
import { watchWaking } from './waking.ts'

export type { Live, LiveEvent, LiveListener, LiveOptions, LiveState } from './types.ts'

const MAX_PAUSE = 30_000
/** How long after a ping the connection counts as dead. */
const PONG_WITHIN = 10_000
/** Sockets that fail in a row before a stream is tried, and how long streams are used then. */
const FAILED_SOCKETS = 3
const SOCKET_AGAIN = 300_000
/** An exchange that failed is tried again after so long. */
const EXCHANGE_AGAIN = 60_000

/**
 * Connects when the first topic is followed. `onState` reports what becomes of it. Throws `TypeError` without an address.
 *
 * @example
 * ```ts
 * const ticket = () => fetch('/live/ticket', { method: 'POST' }).then((answer) => answer.text())
 * const events = live({ ws: 'wss://live.example.com', ticket })
 * const end = events.subscribe('tag:posts', ({ key }) => reload(key))
 * ```
 */
export function live(options: LiveOptions): Live {
  const { ws, sse, ticket, signal, onState, pingEvery = 300_000, pause = 500 } = options
  if (!ws && !sse) throw new TypeError('live: option "ws" or "sse" is required')
  const exchangeAfter = options.exchangeAfter ?? 6_600_000 + (Math.random() - 0.5) * 960_000
  const topics = createTopics()
  let state: LiveState | undefined
  let link: Link | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let attempts = 0
  let failedSockets = 0
  let socketAt = 0
  let openedAt = 0
  let heardAt = 0
  let lastEventId: string | undefined

  const say = (next: LiveState, code?: string): void => {
    if (state === 'closed' || state === next) return
    state = next
    onState?.(next, code)
  }

  const close = (code?: string): void => {
    clearTimeout(timer)
    stopWatching()
    signal?.removeEventListener('abort', abort)
    say('closed', code)
    link?.end()
  }
  const abort = (): void => close()

  const retry = (): void => {
    link = undefined
    if (state === 'closed') return
    say('waiting')
    clearTimeout(timer)
    timer = setTimeout(connect, Math.random() * Math.min(MAX_PAUSE, pause * 2 ** attempts))
    attempts += 1
  }

  const hear = ({ closing, versions = [], events = [], id }: LiveFrame): void => {
    heardAt = Date.now()
    lastEventId = id ?? lastEventId
    for (const one of versions) topics.tell({ ...one, kind: 'gap', at: 0 })
    for (const event of events) topics.tell(event)
    if (closing && !closing.retry) close(closing.code)
  }

  /** Opens the next link. The one before it, if any, ends when this one is open. */
  const connect = (): void => {
    clearTimeout(timer)
    const names = topics.names()
    if (names.length === 0) {
      state = undefined
      return
    }
    const isSocket = Boolean(ws) && (!sse || failedSockets < FAILED_SOCKETS || Date.now() - socketAt > SOCKET_AGAIN)
    if (isSocket) socketAt = Date.now()
    if (!link) say('connecting')
    const next = openLink({
      url: (isSocket ? ws : sse) ?? '',
      isSocket,
      ticket,
      topics: names,
      lastEventId,
      onFrame(frame) {
        hear(frame)
        if (frame.closing) next.end()
      },
      onOpen() {
        clearTimeout(timer)
        attempts = 0
        if (isSocket) failedSockets = 0
        openedAt = heardAt
        const old = link
        link = next
        if (old !== next) old?.end()
        // Followed while this link was on its way.
        next.subscribe(topics.names().filter((name) => !names.includes(name)))
        say('open')
      },
      onEnd(wasOpen) {
        if (!wasOpen && isSocket) failedSockets += 1
        if (link === next || !link) retry()
        else if (!wasOpen) openedAt = Date.now() - exchangeAfter + EXCHANGE_AGAIN
      },
    })
    link ??= next
  }

  /** By the time of the last frame: the timers of hidden tabs come late, the clock does not. */
  const check = (): void => {
    if (state === 'waiting') return
    const now = Date.now()
    if (state !== 'open' || !link) return
    if (now - heardAt > pingEvery + PONG_WITHIN) link.end()
    else if (now - openedAt > exchangeAfter) {
      openedAt = now
      connect()
    } else if (now - heardAt > pingEvery) link.ping()
  }
  const stopWatching = watchWaking(Math.min(15_000, pingEvery, exchangeAfter), (isAwake) => {
    if (isAwake && state === 'waiting') connect()
    else check()
  })
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) close()

  return {
    subscribe(topic, listener) {
      const isNew = topics.add(topic, listener)
      // Its versions are told with the next acknowledgment, whatever was told before.
      if (isNew) lastEventId = undefined
      if (state === undefined) {
        say('connecting')
        // Topics that are followed in the same turn go together.
        timer = setTimeout(connect)
      } else if (isNew && state === 'open') link?.subscribe([topic])
      return () => {
        if (topics.remove(topic, listener) && state === 'open') link?.unsubscribe(topic)
      }
    },
    close: abort,
  }
}
