/**
 * What the events of one environment add up to: hits, fetches, fetches avoided, waits. Only who listens pays for it.
 *
 * @module
 */

import type { Listener } from '../../events.ts'
import { CHANNEL } from '../bus.ts'
import { labelOf, OTHER } from '../label.ts'
import { isQuiet } from '../quiet.ts'
import { type Counters, createCounters, summarize } from './counters.ts'
import { printReport } from './table.ts'
import type { Reporter } from './types.ts'

export type { Report, Reporter, SourceReport } from './types.ts'

/** How many sources are told apart; what comes after them is counted under {@link OTHER}, as are events whose key is none of this library's. */
const MAX_SOURCES = 50

/**
 * Makes a reporter. Its memory is bounded: 50 sources, about 5 KB each. Quantiles are within 5 % (or 1 ms).
 *
 * @example
 * ```ts
 * const tokens = createTokens({ report: createReport() })
 * console.log(String(tokens.report()))
 * ```
 */
export function createReport(): Reporter {
  const sources = new Map<string, Counters>()

  const countersOf = (label: string): Counters => {
    const known = sources.get(label)
    if (known !== undefined) return known
    const name = sources.size < MAX_SOURCES ? label : OTHER
    const counters = sources.get(name) ?? createCounters()
    sources.set(name, counters)
    return counters
  }

  const listen: Listener = (event) => {
    // Events are made by this library, but a subscriber of the channel may be handed anything.
    if (typeof event === 'object' && event !== null && 'key' in event && typeof event.key === 'string')
      countersOf(labelOf(event)).count(event)
  }

  return {
    listen,
    join(bus, listeners) {
      const isLoud = listeners.some((one) => !isQuiet(one))
      listeners.push(listen)
      if (isLoud) return
      const channel = process.getBuiltinModule('diagnostics_channel').channel(CHANNEL)
      bus.listening = (slot) => {
        if (slot === undefined || channel.hasSubscribers) return true
        slot.tally ??= countersOf(labelOf({ key: slot.key, name: bus.names.get(slot.key) })).numbers
        slot.tally.memory += 1
        return false
      }
    },
    read() {
      const all = createCounters()
      for (const counters of sources.values()) all.merge(counters)
      const report = {
        all: summarize(all),
        sources: Object.fromEntries([...sources].map(([kind, counters]) => [kind, summarize(counters)])),
      }
      // Not enumerable, so that a report is compared, cloned and printed as JSON like any plain object.
      return Object.defineProperty(report, 'toString', { value: () => printReport(report) })
    },
  }
}
