/** Raising the numbers of tags, patterns and everything, and changing the switches: conditional writes of small records. @module */

import type { Image, Seen } from '../contracts.ts'
import { attemptRead, attemptSwap } from '../engine/miss/record-io.ts'
import { StoreError } from '../errors.ts'
import { sleep } from '../lib/timing.ts'
import { type Control, changeControl, parseControl, printControl, sameControl } from './control.ts'
import {
  coversAsMuch,
  type Generation,
  isPlausible,
  NO_GENERATION,
  NO_ROOT,
  numberOf,
  numberOfRoot,
  parseGeneration,
  parseRoot,
  patternIn,
  printGeneration,
  printRoot,
  type Root,
  raise,
  raisePattern,
  raiseRoot,
  type Severity,
} from './generations.ts'
import { type Home, rootTopicOf } from './home.ts'
import { observe } from './read-generations.ts'
import { judgeAgain } from './verdict.ts'

/** How often a change is tried, each time on the record that is there then. */
const MAX_ATTEMPTS = 30
/** How often a write is repeated whose answer was lost, before the record is read. */
const MAX_REPEATS = 2
/** The longest pause after a conflict, in ms. */
const MAX_PAUSE = 100
/** How long a generation record is kept after a write, in ms: longer than any entry lives that rests on it. */
export const KEEP: number = 401 * 86_400_000

/** What is forbidden. */
export type Target =
  | { readonly by: 'tag'; readonly what: string }
  | { readonly by: 'match'; readonly what: string }
  | { readonly by: 'everything'; readonly what: '*' }

/** Invalidates for the whole fleet. */
export interface Invalidator {
  /** Resolves once the store has acknowledged it, or a later invalidation that forbids as much. */
  invalidate(target: Target, severity: Severity): Promise<void>
  /** Writes a record again that is garbage or has lost a number. */
  repair(tag: string): Promise<void>
  /** Changes the switches; reads them when nothing is given. */
  control(change: Control | undefined): Promise<Control>
}

/** A record that numbers are raised in: how it is read, printed, and what it forbids. */
interface Form<G> {
  readonly key: string
  /** `''` for the root. */
  readonly tag: string
  readonly none: G
  parse(body: string, latest: number): G | undefined
  print(generation: G): string
  /** The largest number in it. */
  number(generation: G): number
}

/** One change of a record. */
interface Change<G> {
  /** What is written in place of what is there; `undefined`: nothing needs to be. */
  next(there: G, latest: number): G | undefined
  /** Whether what is there after a conflict makes the change needless. */
  covers(there: G, readBefore: number): boolean
}

/** Makes the invalidator of a cache. */
export function createInvalidator(home: Home): Invalidator {
  const { knowledge, rootKey, tagKey, emit } = home
  /** For each target the call in progress, and the one that waits for it: what is asked meanwhile may share the latter. */
  const queues = new Map<string, { running: Promise<void>; next: Promise<void> | undefined }>()

  const tagForm = (tag: string): Form<Generation> => ({
    key: tagKey(tag),
    tag,
    none: NO_GENERATION,
    parse: (body, latest) => parseGeneration(body, tagKey(tag), latest),
    print: (generation) => printGeneration(generation, tagKey(tag)),
    number: numberOf,
  })
  const rootForm: Form<Root> = {
    key: rootKey,
    tag: '',
    none: NO_ROOT,
    parse: (body, latest) => parseRoot(body, rootKey, latest),
    print: (root) => printRoot(root, rootKey),
    number: numberOfRoot,
  }
  /** At least what this environment knows: a record that lost a number is raised above it. */
  const knownTag = (tag: string, there: Generation, latest: number): Generation => {
    const known = knowledge.numberOf(tag)
    return known > numberOf(there) && isPlausible(known, latest) ? { ...there, hard: known } : there
  }
  const knownRoot = (there: Root, latest: number): Root => {
    const known = knowledge.numberOf('')
    return known > numberOfRoot(there) && isPlausible(known, latest) ? { ...there, hard: known } : there
  }

  const raiseTarget = async ({ by, what }: Target, severity: Severity): Promise<void> => {
    if (by === 'tag')
      return changeRecord(home, tagForm(what), {
        next: (there, latest) => raise(knownTag(what, there, latest), severity, latest),
        covers: (there, readBefore) => coversAsMuch(there, severity, readBefore),
      })
    return changeRecord(home, rootForm, {
      next: (there, latest) =>
        by === 'everything'
          ? raiseRoot(knownRoot(there, latest), severity, latest)
          : raisePattern(knownRoot(there, latest), { text: what, severity, latest }),
      covers: (there, readBefore) =>
        coversAsMuch(by === 'everything' ? there : patternIn(there, what), severity, readBefore),
    })
  }

  const run = async (target: Target, severity: Severity): Promise<void> => {
    const { clock } = await home.reach()
    const startedAt = clock.fast()
    await raiseTarget(target, severity)
    const took = Math.round(clock.fast() - startedAt)
    emit({ type: 'invalidate', what: target.what, by: target.by, stale: severity === 'soft', took })
  }

  return {
    invalidate(target, severity) {
      const name = `${severity} ${target.by} ${target.what}`
      const queue = queues.get(name)
      const start = (): Promise<void> => {
        const running = run(target, severity).finally(() => {
          if (queues.get(name)?.running === running && queues.get(name)?.next === undefined) queues.delete(name)
        })
        queues.set(name, { running, next: undefined })
        return running
      }
      if (queue === undefined) return start()
      // The one in progress may have read the number before this was asked; one that is yet to start has not.
      queue.next ??= queue.running.catch(() => {}).then(start)
      return queue.next
    },
    repair: (tag) =>
      tag === ''
        ? changeRecord(home, rootForm, {
            next: (there, latest) =>
              numberOfRoot(there) > knowledge.numberOf('')
                ? undefined
                : raiseRoot(knownRoot(there, latest), 'hard', latest),
            covers: (there) => numberOfRoot(there) > knowledge.numberOf(''),
          })
        : changeRecord(home, tagForm(tag), {
            next: (there, latest) =>
              numberOf(there) > knowledge.numberOf(tag)
                ? undefined
                : raise(knownTag(tag, there, latest), 'hard', latest),
            covers: (there) => numberOf(there) > knowledge.numberOf(tag),
          }),
    async control(change) {
      let after: Control = {}
      await changeRecord(home, rootForm, {
        next(there) {
          const before = parseControl(there.control)
          after = change === undefined ? before : changeControl(before, change)
          return sameControl(before, after) ? undefined : { ...there, control: printControl(after) }
        },
        // A change of a number in between says nothing about the switches.
        covers: () => false,
      })
      // A look that was sent later may have been answered from before the change.
      if (change !== undefined && !sameControl(after, knowledge.control)) {
        knowledge.obey(after)
        emit({ type: 'control', control: after })
        judgeAgain(home, new Set(['']))
      }
      return after
    },
  }
}

/** The longest announcement, in bytes; an invalidation that needs more is found by the recheck alone. */
const MAX_ANNOUNCEMENT = 512

/** What live events announce with a number that rose: the topic of the tag, or of the cache; the record tells caches apart. */
function printRaised<G>(form: Form<G>, { before, next, at }: { before: G; next: G; at: number }): string | undefined {
  const version = form.number(next)
  if (version <= form.number(before)) return undefined
  const topic = form.tag === '' ? rootTopicOf(form.key) : `tag:${form.tag}`
  const text = JSON.stringify({ topic, key: form.key, version, kind: 'invalidate', at })
  return Buffer.byteLength(text) <= MAX_ANNOUNCEMENT ? text : undefined
}

/** Changes a record by compare-and-swap. Resolves once the change, or what covers it, is acknowledged. */
async function changeRecord<G>(home: Home, form: Form<G>, change: Change<G>): Promise<void> {
  const context = await home.reach()
  const { server, runtime, store } = context
  const { key } = form
  const signal = new AbortController().signal
  const read = async (): Promise<{ readonly seen: Seen; readonly sentAt: number }> => {
    const { value: seen, sentAt } = await attemptRead(context, { key, signal }, (inner) =>
      store.read(key, { signal: inner, consistent: true }),
    )
    server.observe(seen.time ?? { at: runtime.wall(), precision: 0 }, sentAt)
    return { seen, sentAt }
  }
  const take = (image: Image | undefined, sentAt: number): void =>
    observe(home, {
      found: new Map([[key, { image, time: undefined }]]),
      sentAt,
      tags: form.tag === '' ? [] : [form.tag],
    })
  const parse = (image: Image | undefined): G =>
    image === undefined ? form.none : (form.parse(image.body, Math.ceil(server.latest() ?? 0)) ?? form.none)

  let { seen, sentAt } = await read()
  let readBefore = form.number(parse(seen.image))
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const latest = Math.ceil(server.latest() ?? 0)
    const next = change.next(parse(seen.image), latest)
    if (next === undefined) return take(seen.image, sentAt)
    const tag = runtime.unique()
    const announce = printRaised(form, { before: parse(seen.image), next, at: latest })
    const swap = { expected: seen.image, body: form.print(next), tag, keepUntil: latest + KEEP, announce }
    let answer = await attemptSwap(context, { key, signal: undefined }, swap)
    for (let repeat = 0; answer.result.outcome === 'unknown' && repeat < MAX_REPEATS; repeat += 1)
      answer = await attemptSwap(context, { key, signal: undefined }, swap)
    if (answer.result.outcome === 'swapped') return take({ body: swap.body, tag }, answer.sentAt)
    const there =
      answer.result.outcome === 'conflict' ? { seen: answer.result.seen, sentAt: answer.sentAt } : await read()
    seen = there.seen
    sentAt = there.sentAt
    if (seen.time !== undefined) server.observe(seen.time, sentAt)
    if (seen.image?.tag === tag || change.covers(parse(seen.image), readBefore)) return take(seen.image, sentAt)
    readBefore = Math.max(readBefore, form.number(parse(seen.image)))
    await sleep(runtime, Math.min(MAX_PAUSE, 4 * attempt) * runtime.random(), signal)
  }
  throw new StoreError(`the ${store.name} store did not accept the change of ${key} in time; call it again`, {
    key,
    retryable: true,
    code: 'STORE_TIMEOUT',
  })
}
