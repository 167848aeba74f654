import { checkOptions, countRule, durationRule, shaped } from '../lib/options.ts'
import { asFields, asText, type Fields } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { withDeadline } from '../lib/timing.ts'
import { type LiveEvent, parseEvent } from './event.ts'
import type { Publisher } from './publisher.ts'

/** How {@link streamHandler} works. */
export interface StreamHandlerOptions {
  readonly publisher: Publisher
  /** Events that are published together; the next begin when these are done. Default 25. */
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

const RULES = { publisher: shaped('publish'), together: countRule, margin: durationRule }

/**
 * The handler of a table's stream: publishes what its writes announced, in their order. With `ReportBatchItemFailures` Lambda
 * repeats a batch from the first record that was not published; the records before it do not come again. The handler reports
 * before its time is over, so that a slow publisher costs no repeat of what was done.
 */
export function streamHandler(
  options: StreamHandlerOptions,
): (event: unknown, context?: Timed) => Promise<BatchAnswer> {
  const { publisher, together = 25, margin = 2_000 } = checkOptions('streamHandler', options, RULES, ['publisher'])
  return async (event, context) => {
    const records = asFields(event)?.['Records']
    const items = (Array.isArray(records) ? records : []).map(itemOf)
    for (let start = 0; start < items.length; start += together) {
      const part = items.slice(start, start + together)
      const events = part.flatMap(({ announced }) => announced ?? [])
      const ms = Math.max(1, (context?.getRemainingTimeInMillis?.() ?? 60_000) - margin)
      const timed =
        events.length === 0
          ? { outcome: 'done' }
          : await withDeadline(systemRuntime, { ms }, (signal) => publisher.publish(events, { signal }))
      if (timed.outcome !== 'done') return { batchItemFailures: [{ itemIdentifier: part[0]?.sequence ?? '' }] }
    }
    return { batchItemFailures: [] }
  }
}

interface Item {
  readonly sequence: string
  readonly announced: LiveEvent | undefined
}

function itemOf(record: unknown): Item {
  const change: Fields = asFields(asFields(record)?.['dynamodb']) ?? {}
  const live = asFields(asFields(change['NewImage'])?.['live'])
  return { sequence: asText(change['SequenceNumber'], 64) ?? '', announced: parseEvent(live?.['S']) }
}
