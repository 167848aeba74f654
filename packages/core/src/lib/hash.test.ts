import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprint, sha256 } from './hash.ts'

function nodes(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

describe('sha256', () => {
  it('is that of Node for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(sha256(text)).toBe(nodes(text))
      }),
      { numRuns: 500 },
    )
  })

  it('is that of Node at every length around the block size', () => {
    for (let length = 0; length <= 200; length += 1) expect(sha256('a'.repeat(length))).toBe(nodes('a'.repeat(length)))
  })

  it('is the one of the standard (FIPS 180-4, "abc")', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  it('is that of Node for a megabyte', () => {
    expect(sha256('é'.repeat(500_000))).toBe(nodes('é'.repeat(500_000)))
  })
})

describe('a fingerprint', () => {
  it('is eight characters that are not the start of the plain hash', () => {
    expect(fingerprint('secret')).toMatch(/^[0-9a-f]{8}$/)
    expect(sha256('secret').startsWith(fingerprint('secret'))).toBe(false)
  })
})
