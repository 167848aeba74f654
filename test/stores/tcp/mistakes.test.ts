import type { Store } from '@warmtoken/core'
import { startTcpFaultProxy, type TcpFault } from '@warmtoken/local'
import { proxiedFaults, type StoreFaultKind, type StoreSubject, storeConformance } from '@warmtoken/testing/store'
import { afterAll, describe, expect, it } from 'vitest'
import { startLineServer } from './line-server.ts'
import { lineStore, type Mistake } from './line-store.ts'

const open: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

function says(error: string): TcpFault {
  return { kind: 'bytes', when: 'before', bytes: `${JSON.stringify({ error })}\n` }
}

const ANSWERS: Partial<Record<StoreFaultKind, TcpFault>> = {
  'server-error': says('FAILED'),
  throttled: says('THROTTLED'),
  busy: says('BUSY'),
  denied: says('DENIED'),
  missing: says('MISSING'),
}

async function subjectWith(...mistakes: readonly Mistake[]): Promise<StoreSubject> {
  const server = await startLineServer()
  const proxy = await startTcpFaultProxy({
    target: server.port,
    isRequest: (chunk) => chunk.includes('"op"'),
    isAnswer: (bytes) => bytes.includes('\n'),
  })
  open.push(server.close, proxy.close)
  return {
    store: lineStore(proxy.port, server.password, mistakes),
    faults: proxiedFaults(proxy, ANSWERS),
    keepUntilOf: server.keepUntilOf,
    secrets: [server.password],
  }
}

/** What became of each case: `pass`, the reason of a gap, or the message of its failure. */
async function outcomesOf(
  subject: StoreSubject,
  wanted: (name: string) => boolean,
): Promise<ReadonlyMap<string, string>> {
  const outcomes = new Map<string, string>()
  for (const { name, run } of storeConformance(() => subject).filter(({ name }) => wanted(name))) {
    const result = await run().catch((error: Error) => ({ gap: `FAILED: ${error.message}` }))
    outcomes.set(name, result === 'pass' ? result : result.gap)
  }
  return outcomes
}

describe('the suite, on a store that keeps connections over TCP,', () => {
  it('passes one that is right, whatever goes wrong on the way', async () => {
    const outcomes = await outcomesOf(await subjectWith(), () => true)
    expect([...outcomes].filter(([, outcome]) => outcome !== 'pass')).toEqual([
      ['what someone else put there is seen, and replaced only when expected', expect.stringContaining('no way')],
      ['only a write with an announcement is announced', expect.stringContaining('announces nothing')],
      ['reading many returns for each key what reading one returns', expect.stringContaining('one key at a time')],
      ['an image from reading many can be expected', expect.stringContaining('one key at a time')],
      ['reading no keys returns nothing', expect.stringContaining('one key at a time')],
    ])
  })

  it.each<readonly [Mistake, string, RegExp]>([
    [
      'keeps a connection on which an answer is owed',
      'a call after one that hung is answered',
      /no answer within 2000 ms.*give the connection up/,
    ],
    [
      'listens to no error of a connection',
      'a connection that is cut while idle ends neither the process nor the next call',
      /ended the process: listen to "error"/,
    ],
    [
      'keeps connections that were cut',
      'a connection that is cut while idle ends neither the process nor the next call',
      /no answer/,
    ],
    [
      'keeps the other connections when one is dead',
      'a connection that went silent while idle costs one call at most',
      /a dead connection is used again/,
    ],
    ['shows its password', 'no password shows in a fault', /shows a password/],
    [
      'returns the clock of this process',
      'the time is that of the backend, not of this process',
      /moves with the clock of this process/,
    ],
    [
      'takes the refusal of a repeat for that of the write',
      'a write whose answer is lost is unknown although its repeat is refused',
      /although it was applied/,
    ],
    ['asks for no expiry', 'the backend is told until when to keep a record', /not told to delete/],
    [
      'rejects a write that may have been applied',
      'a write without an answer is unknown, and its tag says what became of it',
      /no answer/,
    ],
  ])('notices one that %s', async (mistake, behavior, message) => {
    const subject = await subjectWith(mistake)
    // More than one connection, as after a burst.
    const key = crypto.randomUUID()
    const signal = AbortSignal.timeout(5_000)
    await Promise.all(Array.from({ length: 5 }, () => subject.store.read(key, { signal, consistent: true })))
    const outcomes = await outcomesOf(subject, (name) => name === behavior)
    expect(outcomes.get(behavior)).toMatch(message)
  })

  it('ends every case of one that never answers, with a failure or a gap', async () => {
    const never: Store = {
      name: 'never',
      read: () => new Promise(() => undefined),
      swap: () => new Promise(() => undefined),
    }
    const ends = storeConformance(() => ({ store: never, sharesClock: true })).map(async ({ name, run }) => {
      const startedAt = performance.now()
      const outcome = await run().catch(() => 'failed')
      return { name, outcome, took: performance.now() - startedAt }
    })
    for (const { outcome, took } of await Promise.all(ends)) {
      expect(outcome).not.toBe('pass')
      expect(took).toBeLessThan(30_500)
    }
  })
})
