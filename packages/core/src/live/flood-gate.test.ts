import { expect, it } from 'vitest'
import { createFloodGate } from './flood-gate.ts'

it('lets 60 frames of a connection through in ten seconds, and counts each connection on its own', () => {
  let now = 0
  const isFlood = createFloodGate({ monotonic: () => now })
  const frames = (connection: string, count: number): number =>
    Array.from({ length: count }, () => isFlood(connection)).filter((one) => !one).length
  expect(frames('a', 100)).toBe(60)
  expect(frames('b', 60)).toBe(60)
  now = 9_999
  expect(frames('a', 1)).toBe(0)
  now = 10_000
  expect(frames('a', 100)).toBe(60)
})

it('counts 10,000 connections at most, so that memory stays flat: the one that was counted first is forgotten', () => {
  const isFlood = createFloodGate({ monotonic: () => 0 })
  const fill = (connection: string): boolean => Array.from({ length: 61 }, () => isFlood(connection)).at(-1) === true
  expect(fill('first')).toBe(true)
  expect(fill('second')).toBe(true)
  for (let n = 0; n < 9_999; n += 1) isFlood(`c${n}`)
  expect(isFlood('second')).toBe(true)
  expect(isFlood('first')).toBe(false)
})
