import fs from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemRuntime } from './runtime.ts'

afterEach(() => vi.restoreAllMocks())

function thousand(): Set<string> {
  return new Set(Array.from({ length: 1_000 }, systemRuntime.unique))
}

describe('a mark', () => {
  it('is another one each time, of letters and digits that may name a file', () => {
    const marks = thousand()
    expect(marks.size).toBe(1_000)
    for (const mark of marks) expect(mark).toMatch(/^[0-9a-f]{32}$/)
  })

  it('is as random where the system has no such file', () => {
    vi.spyOn(fs, 'openSync').mockImplementation(() => {
      throw Object.assign(new Error('none'), { code: 'ENOENT' })
    })
    expect(thousand().size).toBe(1_000)
  })

  it('is as random where the file gives too little, and the file is closed', () => {
    vi.spyOn(fs, 'readSync').mockReturnValue(3)
    const close = vi.spyOn(fs, 'closeSync')
    expect(thousand().size).toBe(1_000)
    expect(close).toHaveBeenCalledTimes(1_000)
  })
})

describe('the monotonic clock', () => {
  it('counts milliseconds', async () => {
    const before = [performance.now(), systemRuntime.monotonic()] as const
    await new Promise((resolve) => setTimeout(resolve, 5))
    const after = [systemRuntime.monotonic(), performance.now()] as const
    expect(after[0] - before[1]).toBeGreaterThan(0)
    expect(after[0] - before[1]).toBeLessThanOrEqual(after[1] - before[0])
  })
})
