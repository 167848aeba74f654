import type { Store } from '@warmtoken/core'
import { memoryStore } from '@warmtoken/core/memory'
import { expect, it } from 'vitest'
import type { HistoryEvent } from './event.ts'
import { recordingStore } from './recording-store.ts'

const { signal } = new AbortController()
const swap = { expected: undefined, body: 'one', tag: 't1', keepUntil: 1 }

function recorded(store: Store): { store: Store; events: HistoryEvent[] } {
  const events: HistoryEvent[] = []
  let now = 0
  const tick = (): number => {
    now += 1
    return now
  }
  return { store: recordingStore(store, (event) => events.push(event), { by: 'ann', now: tick }), events }
}

it('tells a swap before it is sent and after it is answered', async () => {
  const { store, events } = recorded(memoryStore())
  await store.swap('k', swap, { signal })
  await store.swap('k', { ...swap, tag: 't2' }, { signal })
  const who = { key: 'k', by: 'ann' }
  expect(events).toEqual([
    { type: 'sent', ...who, tag: 't1', expected: undefined, body: 'one', sentAt: 1 },
    { type: 'ended', ...who, tag: 't1', outcome: 'swapped', sentAt: 1, endedAt: 2 },
    { type: 'sent', ...who, tag: 't2', expected: undefined, body: 'one', sentAt: 3 },
    { type: 'ended', ...who, tag: 't2', outcome: 'conflict', sentAt: 3, endedAt: 4 },
  ])
})

it('says what consistent reads saw, and nothing of the others', async () => {
  const { store, events } = recorded(memoryStore())
  await store.read('k', { signal, consistent: false })
  await store.read('k', { signal, consistent: true })
  await store.readMany?.(['k', 'l'], { signal, consistent: true })
  expect(events.map(({ type, key, tag }) => [type, key, tag])).toEqual([
    ['read', 'k', undefined],
    ['read', 'k', undefined],
    ['read', 'l', undefined],
  ])
})

it('passes a rejection on, and tells that nothing was written', async () => {
  const broken: Store = { ...memoryStore(), swap: () => Promise.reject(new Error('denied')) }
  const { store, events } = recorded(broken)
  await expect(store.swap('k', swap, { signal })).rejects.toThrow('denied')
  expect(events.at(-1)).toMatchObject({ type: 'ended', outcome: 'failed' })
})

it('sends nothing that could not be recorded', async () => {
  const inner = memoryStore()
  const store = recordingStore(inner, () => {
    throw new Error('the disk is full')
  })
  await expect(store.swap('k', swap, { signal })).rejects.toThrow('the disk is full')
  expect((await inner.read('k', { signal, consistent: true })).image).toBeUndefined()
})
