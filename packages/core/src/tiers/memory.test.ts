import { describe, expect, it } from 'vitest'
import { createMemoryTier } from './memory.ts'

describe('the memory tier', () => {
  it('makes a value once, and gives the same one again', () => {
    const memory = createMemoryTier<object>(2)
    const first = memory('a', () => ({}))
    expect(memory('a', () => ({}))).toBe(first)
  })

  it('forgets at its bound the value that was asked for longest ago', () => {
    const made: string[] = []
    const memory = createMemoryTier<string>(2)
    const ask = (key: string): string =>
      memory(key, () => {
        made.push(key)
        return key
      })
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) ask(key)
    expect(made).toEqual(['a', 'b', 'c', 'b'])
  })
})
