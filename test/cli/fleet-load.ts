/** A fleet that is called at given instants, by the production engine on a clock that moves from call to call. @module */

import { createTokens, type Runtime, type Source, type Store, type TokenValue } from '@warmtoken/core'
import { memoryStore } from '@warmtoken/core/memory'
import { seededRandom } from '@warmtoken/local'

/** One call: when, in s since the start, and in which environment. */
export type Call = readonly [at: number, environment: number]

/** What a fleet asked for. */
export interface Counts {
  readonly reads: number
  readonly writes: number
  readonly fetches: number
}

interface Load {
  /** In their order. */
  readonly calls: readonly Call[]
  readonly environments: number
  /** In seconds. */
  readonly tokenLife: number
  /** Only what is asked for from then on counts, in s: the first values of all are not what is planned. */
  readonly from: number
}

/** Runs the calls, one after the other: each refresh ends before the next call. */
export async function runLoad({ calls, environments, tokenLife, from }: Load): Promise<Counts> {
  const counts = { reads: 0, writes: 0, fetches: 0 }
  const start = 1_800_000_000_000
  let now = start
  const isCounted = (): boolean => now >= start + from * 1_000
  const count = (what: keyof Counts): void => {
    if (isCounted()) counts[what] += 1
  }
  const memory = memoryStore({ wall: () => now })
  const store: Store = {
    name: 'memory',
    read(key, how) {
      count('reads')
      return memory.read(key, how)
    },
    swap(key, swap, how) {
      count('writes')
      return memory.swap(key, swap, how)
    },
  }
  const source: Source<TokenValue> = {
    kind: 'load',
    identity: () => 'load',
    async fetch() {
      count('fetches')
      return { value: { value: `token-${now}`, type: 'Bearer' }, lifetime: tokenLife * 1_000 }
    },
  }
  let marks = 0
  const random = seededRandom(7)
  const runtime: Runtime = {
    wall: () => now,
    monotonic: () => now - start,
    random,
    unique: () => `mark-${marks++}`,
    // Nothing waits here, so no timer is ever due.
    after: () => () => {},
  }
  const fleet = Array.from({ length: environments }, () => {
    const tokens = createTokens({ store, directory: false, background: true, runtime })
    return { tokens, handle: tokens.use(source) }
  })
  for (const [at, environment] of calls) {
    now = start + Math.round(at * 1_000)
    const one = fleet[environment]
    await one?.handle.get()
    while (one?.tokens.busy === true) await one.tokens.settle()
  }
  return counts
}

/** Calls at random: in each environment after pauses of this mean, in s. */
export function randomCalls(pauses: readonly number[], seconds: number, seed: number): readonly Call[] {
  const random = seededRandom(seed)
  return inOrder(
    pauses.flatMap((pause, environment) => {
      const calls: Call[] = []
      for (let at = 0; at < seconds; at += -pause * Math.log(1 - random())) calls.push([at, environment])
      return calls
    }),
  )
}

/** Calls in bursts: so many in each environment, within two seconds, again and again. */
export function burstCalls(
  { environments, every, size }: { readonly environments: number; readonly every: number; readonly size: number },
  seconds: number,
  seed: number,
): readonly Call[] {
  const random = seededRandom(seed)
  const calls: Call[] = []
  for (let at = 0; at < seconds; at += every)
    for (let n = 0; n < environments * size; n += 1) calls.push([at + 2 * random(), n % environments])
  return inOrder(calls)
}

function inOrder(calls: readonly Call[]): readonly Call[] {
  return calls.toSorted(([one], [other]) => one - other)
}
