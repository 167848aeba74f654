import { unzipSync } from 'fflate'
import { expect, test } from 'vitest'
import { zip } from './zip.ts'

function text(contents: string): Uint8Array {
  return new TextEncoder().encode(contents)
}

test('the same files make the same bytes, whatever their order and the hour', () => {
  const one = zip(new Map([['a.js', text('1')], ['b/c.js', text('2')]])) // biome-ignore format: side by side
  const other = zip(new Map([['b/c.js', text('2')], ['a.js', text('1')]])) // biome-ignore format: side by side
  expect(Buffer.compare(one, other)).toBe(0)
  expect(Object.keys(unzipSync(one))).toEqual(['a.js', 'b/c.js'])
})

test('a changed file changes the bytes', () => {
  expect(Buffer.compare(zip(new Map([['a.js', text('1')]])), zip(new Map([['a.js', text('2')]])))).not.toBe(0)
})
