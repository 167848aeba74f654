import { expect, it } from 'vitest'
import type { Seen, Store } from '../contracts.ts'
import { readKeys } from './gather.ts'

it('has eight reads in flight, and never more, where a store cannot read many', async () => {
  const answers: (() => void)[] = []
  const store: Store = {
    name: 'one by one',
    read: () => new Promise<Seen>((resolve) => answers.push(() => resolve({ image: undefined, time: undefined }))),
    swap: () => Promise.reject(new Error('nothing is written')),
  }
  const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`)
  const read = readKeys(store, keys, { signal: new AbortController().signal, consistent: true })
  // Each answer frees the place of one read, and the next one takes it.
  for (let answered = 0; answered < keys.length; answered += 1) {
    expect(answers).toHaveLength(Math.min(keys.length, answered + 8))
    answers[answered]?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect([...(await read).keys()]).toEqual(keys)
})
