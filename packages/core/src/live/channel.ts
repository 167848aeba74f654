import type { Runtime } from '../contracts.ts'
import { sleep, withDeadline } from '../lib/timing.ts'
import { type LiveEvent, parseEvent } from './event.ts'
import type { CallOptions } from './subscribers.ts'

/** The most events that wait for their reader; with more, the reader is told to read versions. */
const MAX_WAITING = 200
/** How long one attempt to open a channel may take, and the bounds of the pause before the next, in ms. */
const OPEN_TIMEOUT = 2_000
const FIRST_PAUSE = 500
const MAX_PAUSE = 10_000

/** What a channel calls. */
export interface ChannelListener {
  /** A text was published. Untrusted. */
  onText(text: string): void
  /** The connection was lost: nothing is heard any more. */
  onEnd(): void
}

/** Where announced writes are published: the channel `<prefix>live` of Redis or Upstash. Best effort, as all channels are. */
export interface Channel {
  /** For events and errors. */
  readonly name: string
  /**
   * Resolves when all that is published from now on is heard, until the signal aborts or the connection is lost. Rejects when
   * it cannot be heard. One connection a call.
   */
  listen(listener: ChannelListener, options: CallOptions): Promise<void>
}

/** One who hears a channel as long as it can be heard. */
export interface Ear {
  /** Whether it hears now. */
  isOpen(): boolean
  /** The events since the last call. `missed`: more may have been published, for the connection is new, or they were too many. */
  take(): { readonly events: readonly LiveEvent[]; readonly missed: boolean }
}

/** How {@link openEar} is set up. */
export interface EarOptions {
  /** Left out: nothing is ever heard. */
  readonly channel: Channel | undefined
  readonly runtime: Runtime
  /** Called when there is something to take. */
  readonly wake: () => void
  readonly signal: AbortSignal
}

/** Hears a channel, and connects again with jitter whenever it was lost. Resolves after the first attempt. Never rejects. */
export async function openEar({ channel, runtime, wake, signal }: EarOptions): Promise<Ear> {
  let events: LiveEvent[] = []
  let missed = false
  let isOpen = false
  let failures = 0

  const onText = (text: string): void => {
    const event = parseEvent(text)
    if (event === undefined) return
    if (events.length < MAX_WAITING) events.push(event)
    else missed = true
    wake()
  }

  /** Opens it once. `lost` resolves when it is not heard, or no longer. */
  const open = async (to: Channel): Promise<{ readonly lost: Promise<void> }> => {
    const own = new AbortController()
    const lost = new Promise<void>((resolve) => own.signal.addEventListener('abort', () => resolve()))
    const end = (): void => {
      signal.removeEventListener('abort', end)
      isOpen = false
      own.abort()
      wake()
    }
    signal.addEventListener('abort', end)
    const opened = await withDeadline(runtime, { ms: OPEN_TIMEOUT, signal, patient: true }, () =>
      to.listen({ onText, onEnd: end }, { signal: own.signal }),
    )
    if (opened.outcome !== 'done') {
      failures += 1
      end()
    } else if (!own.signal.aborted) {
      failures = 0
      isOpen = true
      // What was published before is in the versions.
      missed = true
      wake()
    }
    return { lost }
  }

  const keepOpen = async (to: Channel, first: { readonly lost: Promise<void> }): Promise<void> => {
    for (let opened = first; !signal.aborted; opened = await open(to)) {
      await opened.lost
      const bound = Math.min(MAX_PAUSE, FIRST_PAUSE * 2 ** failures)
      await sleep(runtime, bound * (0.5 + runtime.random() / 2), signal)
    }
  }

  if (channel !== undefined) void keepOpen(channel, await open(channel))
  return {
    isOpen: () => isOpen,
    take() {
      const taken = { events, missed }
      events = []
      missed = false
      return taken
    },
  }
}
