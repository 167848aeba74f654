import { describe, expect, it } from 'vitest'
import type { Entry } from '../contracts.ts'
import { packEntry } from './packed-entry.ts'

const NOW = 1_700_000_000_000

function read({ value, version, issuedAt, softExpiry, hardExpiry, fingerprint }: Entry<string>): Entry<string> {
  return {
    value,
    version,
    issuedAt,
    softExpiry,
    hardExpiry,
    fingerprint,
  }
}

describe('a compact entry', () => {
  const entry: Entry<string> = {
    value: 'abc',
    version: NOW + 70,
    issuedAt: NOW,
    softExpiry: NOW + 2_880_000,
    hardExpiry: NOW + 3_600_000,
    fingerprint: '1a2b3c4d',
  }

  it.each<[string, Entry<string>]>([
    ['an hour', entry],
    ['a life of ten years', { ...entry, hardExpiry: NOW + 315_360_000_000 }],
    ['no version', { ...entry, version: 0 }],
    ['a version from before its issue', { ...entry, version: NOW - 1 }],
    ['a version of its very issue', { ...entry, version: NOW }],
    ['a small version', { ...entry, version: 7 }],
    ['no life at all', { ...entry, softExpiry: NOW, hardExpiry: NOW }],
  ])('tells the same: %s', (_what, one) => {
    expect(read(packEntry(one))).toEqual(one)
    expect(read(packEntry(packEntry(one)))).toEqual(one)
  })

  it('cuts parts of a millisecond off, and lives no longer for it', () => {
    const one = { ...entry, issuedAt: NOW + 0.7, softExpiry: NOW + 1_000.9, hardExpiry: NOW + 2_000.2 }
    expect(read(packEntry(one))).toEqual({ ...one, issuedAt: NOW, softExpiry: NOW + 1_000, hardExpiry: NOW + 2_000 })
  })
})
