import type { Image, ReadOptions, Seen, ServerTime, Store, StoreFault, Swap, Swapped } from '@warmtoken/core/adapter'
import { isStoreFault, markAmbiguous, mayHaveBeenApplied, overtaken } from '@warmtoken/core/adapter'
import { isTooLarge, isUnknownScript } from './faults.ts'
import { READ, type Script, SWAP } from './scripts.ts'

/** How many keys one script looks at. A thousand records of 8 KB, the longest that are stored inline, are 8 MB. */
const BATCH = 1_000

/** What a script is run on, and until when. */
export interface Call {
  readonly keys: string[]
  readonly args: string[]
  readonly signal: AbortSignal
}

/** Runs one script, by its text or by its name. Resolves to what it returns; rejects at once when the signal aborts. */
export type Ask = (name: 'eval' | 'evalsha', script: string, call: Call) => Promise<unknown>

/** What the requests of a store on Redis work with. */
export interface CallsOptions {
  readonly ask: Ask
  /** What the keys begin with. */
  readonly prefix: string
  /** Makes the fault for whatever `ask` throws. */
  readonly faultOf: (error: unknown) => StoreFault
  /** Whether each key needs a script of its own, as on a cluster. Default: never. */
  readonly isCluster?: () => boolean
}

/** The requests of a store: one hash a key, one script a request. */
export function makeCalls(options: CallsOptions): Required<Pick<Store, 'read' | 'readMany' | 'swap'>> {
  const { ask, prefix, faultOf, isCluster = () => false } = options

  const askFor = async (script: Script, keys: readonly string[], call: Omit<Call, 'keys'>): Promise<ScriptAnswer> => {
    const answer = await runScript(ask, script, { ...call, keys: keys.map((key) => prefix + key) })
    return { ...parseAnswer(answer), isRepeat: mayHaveBeenApplied(answer) }
  }

  const fail = (error: unknown): never => {
    const fault = faultOf(error)
    throw mayHaveBeenApplied(error) ? markAmbiguous(fault) : fault
  }

  const look = async (keys: readonly string[], signal: AbortSignal): Promise<readonly Seen[]> => {
    const { time, images } = await askFor(READ, keys, { args: [], signal })
    return keys.map((_, index) => {
      const image = images[index]
      if (image === undefined || image === 'swapped') throw unreadable()
      return { image: image === 'absent' ? undefined : image, time }
    })
  }

  /** Looks by one script; by two where the answer is too large for the server or for what stands before it, and so on. */
  const lookInHalves = async (keys: readonly string[], signal: AbortSignal): Promise<readonly Seen[]> => {
    try {
      return await look(keys, signal)
    } catch (error) {
      if (keys.length === 1 || signal.aborted || !isTooLarge(error)) throw error
      const half = Math.ceil(keys.length / 2)
      return [...(await lookInHalves(keys.slice(0, half), signal)), ...(await lookInHalves(keys.slice(half), signal))]
    }
  }

  const read = async (key: string, { signal }: ReadOptions): Promise<Seen> => {
    const [seen] = await look([key], signal).catch(fail)
    if (seen === undefined) throw faultOf(unreadable())
    return seen
  }

  const readMany = async (keys: readonly string[], how: ReadOptions): Promise<ReadonlyMap<string, Seen>> => {
    // On a cluster the keys are on different servers; a client sends what is asked in one turn together.
    if (isCluster()) return new Map(await Promise.all(keys.map(async (key) => [key, await read(key, how)] as const)))
    const found = new Map<string, Seen>()
    for (let start = 0; start < keys.length; start += BATCH) {
      const part = keys.slice(start, start + BATCH)
      for (const [index, seen] of (await lookInHalves(part, how.signal).catch(fail)).entries())
        found.set(part[index] ?? '', seen)
    }
    return found
  }

  const swap = async (key: string, wanted: Swap, { signal }: { signal: AbortSignal }): Promise<Swapped> => {
    const { expected, body, tag, keepUntil, announce } = wanted
    const state = expected === undefined ? 'absent' : 'there'
    const args = [state, expected?.tag ?? '', tag, body, String(Math.ceil(keepUntil))]
    if (announce !== undefined) args.push(`${prefix}live`, announce)
    try {
      const { time, images, isRepeat } = await askFor(SWAP, [key], { args, signal }).catch(fail)
      const [image] = images
      if (image === undefined) throw faultOf(unreadable())
      if (image === 'swapped') return { outcome: 'swapped', image: { body, tag }, time }
      // The first attempt may have been applied, and replaced by others since.
      if (isRepeat) return { outcome: 'unknown', cause: overtaken() }
      return { outcome: 'conflict', seen: { image: image === 'absent' ? undefined : image, time } }
    } catch (cause) {
      // What every attempt refused for good was not done; anything else may have been.
      if (isStoreFault(cause) && !cause.retryable && !mayHaveBeenApplied(cause)) throw cause
      return { outcome: 'unknown', cause }
    }
  }

  return { read, readMany, swap }
}

/** Runs a script by its name, or by its text where the server does not know it. */
export async function runScript(ask: Ask, { sha, text }: Script, call: Call): Promise<unknown> {
  try {
    return await ask('evalsha', sha, call)
  } catch (error) {
    if (!isUnknownScript(error)) throw error
    const marked = <R>(result: R): R => (mayHaveBeenApplied(error) ? markAmbiguous(result) : result)
    return ask('eval', text, call).then(marked, (later: unknown) => {
      throw marked(later)
    })
  }
}

/** What a script answered: the time, and what it found under each key. `isRepeat`: an attempt before it got no answer. */
interface ScriptAnswer extends Answered {
  readonly isRepeat: boolean
}

interface Answered {
  readonly time: ServerTime
  readonly images: readonly (Image | 'absent' | 'swapped')[]
}

/** Throws for anything but an answer of these scripts: it was cut short, or made up by an abort. */
function parseAnswer(answer: unknown): Answered {
  const [at, ...images] = Array.isArray(answer) ? (answer as unknown[]) : []
  if (typeof at !== 'number' || !Number.isFinite(at) || images.length === 0) throw unreadable()
  return { time: { at, precision: 1 }, images: images.map(parseImage) }
}

function parseImage(image: unknown): Image | 'absent' | 'swapped' {
  const [state, tag, body] = Array.isArray(image) ? (image as unknown[]) : []
  if (state === 'absent' || state === 'swapped') return state
  if (state !== 'there' || typeof tag !== 'string' || typeof body !== 'string') throw unreadable()
  return { tag: tag.slice(1), body: body.slice(1) }
}

/** The error for an answer that no script of ours gives. */
export function unreadable(): Error {
  return Object.assign(new Error('the answer makes no sense'), { name: 'AnswerUnreadable' })
}
