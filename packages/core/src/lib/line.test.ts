import { describe, expect, it } from 'vitest'
import { asLine } from './line.ts'

describe('a text from outside as one line', () => {
  it('has "?" for exactly the characters that Unicode calls controls, separators of lines and bidirectional controls', () => {
    const properties = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u
    const wrong: string[] = []
    for (let code = 1; code <= 0x10ffff; code += 1) {
      const character = String.fromCodePoint(code)
      const expected = properties.test(character) ? '?' : character
      if (asLine(character, 2) !== expected) wrong.push(code.toString(16))
    }
    expect(wrong).toEqual([])
    expect(asLine('\0', 1)).toBe('?')
  })

  it('is cut to the length, and is undefined for what is not a text', () => {
    expect(asLine('abc\ndef', 5)).toBe('abc?d')
    expect(asLine(7, 5)).toBeUndefined()
  })
})
