import type { Store } from '../contracts.ts'
import { checkOptions, countRule, durationRule, shaped, textRule } from '../lib/options.ts'
import { asFields, asText, type Fields } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { withDeadline } from '../lib/timing.ts'
import { type LiveEvent, parseEvent } from './event.ts'
import { type Publisher, unsentOf } from './publisher.ts'
import { openMark, type Progress, type StreamMark } from './stream-marks.ts'

/** How {@link streamHandler} works. */
export interface StreamHandlerOptions {
  readonly publisher: Publisher
  /**
   * Remembers how far a batch was published, so that a function that was killed, or that failed, publishes only what was not
   * sent. One read a batch, and one write for each further part of it. Default: none, then Lambda has the whole batch published again.
   */
  readonly store?: Store
  /** Separates two applications in one store. Default: none. */
  readonly namespace?: string
  /** Events that are published together, between two marks. Default 25. */
  readonly together?: number
  /** What is kept of the function's time to report what was not done, in ms. Default 2,000. */
  readonly margin?: number
}

/** What Lambda repeats of a batch. */
export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

/** What is used of Lambda's context. */
export interface Timed {
  readonly getRemainingTimeInMillis?: () => number
}

const RULES = {
  publisher: shaped('publish'),
  store: shaped('read', 'swap'),
  namespace: textRule,
  together: countRule,
  margin: durationRule,
}

/**
 * The handler of a table's stream: publishes what its writes announced, in their order. With `ReportBatchItemFailures` Lambda
 * repeats a batch from the first record that was not published; with a `store`, what was published behind it is not published
 * again, nor what was published before the function was killed. The handler reports before its time is over.
 */
export function streamHandler(
  options: StreamHandlerOptions,
): (event: unknown, context?: Timed) => Promise<BatchAnswer> {
  const given = checkOptions('streamHandler', options, RULES, ['publisher'])
  const { publisher, store, namespace = '', together = 25, margin = 2_000 } = given
  const open = async ({ stream, sequence }: Item) =>
    store && openMark({ store, namespace, runtime: systemRuntime }, [stream, sequence])

  /** Publishes events. Resolves to those that may not have been handed on. */
  const publish = async (events: readonly LiveEvent[], ms: number): Promise<readonly LiveEvent[]> => {
    const timed = await withDeadline(systemRuntime, { ms }, (signal) => publisher.publish(events, { signal }))
    if (timed.outcome === 'done') return []
    return unsentOf(timed.outcome === 'failed' ? timed.cause : undefined, events)
  }

  /** Publishes the items part by part, and marks each part but the last. Resolves to what is left, in its order. */
  const publishAll = async (items: readonly Item[], mark: StreamMark | undefined, context: Timed | undefined) => {
    let left = items
    while (left.length > 0) {
      const part = left.slice(0, together)
      const rest = left.slice(together)
      const ms = Math.max(1, (context?.getRemainingTimeInMillis?.() ?? 60_000) - margin)
      const unsent = new Set(
        await publish(
          part.map(({ announced }) => announced),
          ms,
        ),
      )
      const failed = part.filter(({ announced }) => unsent.has(announced))
      if (failed.length > 0) return [...failed, ...rest]
      left = rest
      if (left.length > 0) await mark?.write({ through: part.at(-1)?.sequence, beyond: [] })
    }
    return left
  }

  return async (event, context) => {
    const records = asFields(event)?.['Records']
    const items = (Array.isArray(records) ? records : []).flatMap(itemsOf)
    const [first] = items
    if (first === undefined) return { batchItemFailures: [] }
    const mark = await open(first)
    const left = await publishAll(mark === undefined ? items : without(items, mark.progress), mark, context)
    const [failed] = left
    if (failed === undefined) return { batchItemFailures: [] }
    await (failed === first ? mark : await open(failed))?.write(progressOf(items, left))
    return { batchItemFailures: [{ itemIdentifier: failed.sequence }] }
  }
}

/** The items that were not published yet. */
function without(items: readonly Item[], { through, beyond }: Progress): readonly Item[] {
  const from = items.findIndex(({ sequence }) => sequence === through) + 1
  const published = new Set(beyond)
  return items.slice(from).filter(({ sequence }) => !published.has(sequence))
}

/** What was published behind the first item that is left: Lambda begins with that one again. */
function progressOf(items: readonly Item[], left: readonly Item[]): Progress {
  const open = new Set(left)
  const [first] = left
  const behind = first === undefined ? [] : items.slice(items.indexOf(first))
  return { through: undefined, beyond: behind.flatMap((item) => (open.has(item) ? [] : item.sequence)) }
}

interface Item {
  readonly stream: string
  readonly sequence: string
  readonly announced: LiveEvent
}

/** The item of a record; none where it announces nothing. */
function itemsOf(record: unknown): readonly Item[] {
  const fields = asFields(record)
  const change: Fields = asFields(fields?.['dynamodb']) ?? {}
  const live = asFields(asFields(change['NewImage'])?.['live'])
  const announced = parseEvent(live?.['S'])
  const stream = asText(fields?.['eventSourceARN'], 2_048) ?? ''
  return announced === undefined ? [] : [{ stream, sequence: asText(change['SequenceNumber'], 64) ?? '', announced }]
}
