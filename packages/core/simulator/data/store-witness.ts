import type { Image } from '../../src/contracts.ts'
import { createGenerationKeys } from '../../src/data/home.ts'
import { MAX_USABLE } from '../../src/data/load.ts'
import type { Applied, KeptImage } from '../backend.ts'
import { MAX_CLOCK_STEP } from '../plague.ts'
import { START } from '../process.ts'
import type { Violation } from '../witness.ts'
import { type Floor, isBelow, show } from './floors.ts'
import { largest, type Numbers, outcomeOf, readBody, readNumbers, readStored, type Stored } from './oracle.ts'
import type { Value } from './truth.ts'

/** The name of the cache in every run. */
export const NAME = 'sim'
/** How far an environment's view of the server's time may be off, in ms: requests may take seconds. */
const MAX_DOUBT = 10_000

/** How much longer than its head a body is kept, in ms: an environment that has read the head may be about to read it. */
const KEPT_LONGER = 7 * 86_400_000

/** Sees everything that is written, and checks V2, V3 and V8. */
export interface StoreWitness {
  onApply(applied: Applied): void
  /** The backend has cleaned up a record. */
  onCleanUp(key: string): void
  /** A body was lost or damaged by what the cache does not promise to survive unharmed. */
  onSpoil(key: string): void
  /** An environment believes that a generation record has lost a number. */
  onLost(tag: string): void
  /** Checks every record: a floor has risen. */
  check(): void
}

/** How a witness of the store is made. */
export interface StoreWitnessOptions {
  readonly now: () => number
  readonly image: (key: string) => KeptImage | undefined
  /** The same of the store for bodies. */
  readonly farImage: (key: string) => KeptImage | undefined
  /** Whether clocks step. */
  readonly hasClockSteps: boolean
  /** The state of the truth of a plain key. */
  readonly stateOf: (plain: string) => number
  readonly onSeen: (name: string) => void
}

/** Makes the witness of the store of one run. */
export function createStoreWitness(
  { now, image, farImage, hasClockSteps, stateOf, onSeen }: StoreWitnessOptions,
  floors: readonly Floor[],
  violate: (invariant: Violation['invariant'], what: string) => void,
): StoreWitness {
  // A wall clock that steps forward during a look may mean a freeze as long, so a value that may have expired counts as absent.
  const doubt = MAX_DOUBT + (hasClockSteps ? MAX_CLOCK_STEP : 0)
  const { rootKey, tagKey } = createGenerationKeys('', NAME)
  /** Of each generation record: the highest number, and when it was written last. */
  const highest = new Map<string, { readonly number: number; readonly at: number }>()
  /** Generation records that were cleaned up, as late as is promised. */
  const cleanedUp = new Set<string>()
  const records = new Set<string>()
  const spoiled = new Set<string>()
  const readRecord = once(readStored)
  const readValue = once(readBody)
  const readGeneration = once(readNumbers)

  const numbersIn = (key: string): Numbers => {
    const there = image(key)
    // Garbage is a violation of its own.
    return (there && readGeneration(there)) ?? NO_NUMBERS
  }
  const numbersOf = (tag: string): Numbers => numbersIn(tagKey(tag))
  const judge = (plain: string, stored: Stored) =>
    stored.hardExpiry <= START + now()
      ? 'dead'
      : outcomeOf(plain, stored, { numbersOf, everything: numbersIn(rootKey) })

  /** The value of a record; V8: its body is there, whole, and lives as long. `undefined`: there is none. */
  const contentOf = (plain: string, { content, hardExpiry }: Stored): Value | undefined | 'unreadable' => {
    if (content.kind === 'none') return undefined
    if (content.kind === 'value') return content.value
    const body = (content.isFar ? farImage : image)(content.key)
    if (spoiled.has(content.key)) return 'unreadable'
    if (body === undefined) violate('V8', `${plain} is in the store without its body`)
    else if (body.keepUntil < hardExpiry + KEPT_LONGER - MAX_DOUBT)
      violate('V8', `the body of ${plain} is kept for a shorter time than its head`)
    else return readValue(body)
    return 'unreadable'
  }

  /** V2: what would be judged good in the store is forbidden by nothing that was acknowledged. */
  const checkStore = (key: string): void => {
    const there = image(key)
    const stored = there && readRecord(there)
    if (stored === undefined) return
    const plain = key.split('~')[0] ?? ''
    const outcome = judge(plain, stored)
    if (outcome === 'dead') return
    const value = contentOf(plain, stored)
    if (value === 'unreadable') return
    if (value !== undefined && value.of !== plain) violate('V8', `${plain} is stored with the value of ${value.of}`)
    for (const floor of floors)
      if (
        !floor.isHere &&
        floor.plain === plain &&
        isBelow(value, floor, stateOf(plain)) &&
        (outcome === 'good' || !floor.isSoft)
      )
        violate('V2', `${show(value)} of ${plain} is ${outcome} in the store, and ${floor.n} was acknowledged`)
  }

  /** V8: what an update makes of nothing does not replace a value that it could not open, or whose body it could not read. */
  const checkCreated = (key: string, before: Image, after: Image): void => {
    const stored = readRecord(after)
    if (stored?.content.kind !== 'value' || stored.content.value.created === undefined) return
    const old = readRecord(before)
    const plain = key.split('~')[0] ?? ''
    if (old === undefined || old.content.kind === 'none' || old.hardExpiry < START + now() + doubt) return
    // The same value again, such as by a touch, or made again of itself.
    if (old.content.kind === 'value' && old.content.value.n === stored.content.value.n) return
    if (judge(plain, old) !== 'dead') violate('V8', `an update took the ${old.content.kind} of ${plain} for absent`)
  }

  /** V3: numbers never fall, not even when their record is deleted, as long as anything may rest on them. */
  const checkNumbers = (key: string, { before, after }: Applied): void => {
    const numbers = readGeneration(after)
    if (numbers === undefined) {
      violate('V3', `${key} became garbage`)
      return
    }
    const number = largest(numbers)
    const last = highest.get(key) ?? { number: 0, at: Number.NEGATIVE_INFINITY }
    // The root is written for its switches too. After 400 days nothing rests on its old number any more.
    const isNew = key === rootKey && before === undefined && number === 0 && cleanedUp.has(key)
    if (number < last.number && !isNew) violate('V3', `the number of ${key} fell from ${last.number} to ${number}`)
    if (number === last.number && key !== rootKey) violate('V3', `the number of ${key} did not rise`)
    if (before === undefined && last.number > 0) onSeen('number after deletion')
    if (numbers.patterns.length >= 32) onSeen('patterns full')
    highest.set(key, { number: isNew ? 0 : Math.max(last.number, number), at: now() })
  }

  return {
    onApply(applied) {
      const { key, before, after } = applied
      if (key.startsWith('body~')) onSeen('body written')
      else if (key.startsWith('gen~')) checkNumbers(key, applied)
      else if (key.startsWith('p:')) {
        records.add(key)
        checkStore(key)
        if (before !== undefined) checkCreated(key, before, after)
      }
    },
    onCleanUp(key) {
      const last = highest.get(key)
      if (last === undefined) return
      if (now() - last.at < MAX_USABLE) violate('V3', `${key} was kept for ${now() - last.at} ms only`)
      else cleanedUp.add(key)
    },
    onSpoil: (key) => void spoiled.add(key),
    onLost(tag) {
      if (!cleanedUp.has(tag === '' ? rootKey : tagKey(tag))) violate('V3', `a generation was lost: ${tag}`)
      else onSeen('generation lost')
    },
    check() {
      for (const key of records) checkStore(key)
    },
  }
}

const NO_NUMBERS: Numbers = { hard: 0, soft: 0, patterns: [] }

/** Reads the text of each image once: the same ones are judged again after every change. */
function once<T>(read: (text: string) => T): (image: Image) => T {
  const known = new WeakMap<Image, { readonly result: T }>()
  return (image) => {
    const result = known.get(image) ?? { result: read(image.body) }
    known.set(image, result)
    return result.result
  }
}
