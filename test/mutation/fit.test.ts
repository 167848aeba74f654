import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { BEHIND_MUTANTS } from '../behind/mutants.ts'
import { WRITE_MUTANTS } from '../data/write-mutants.ts'
import { LEASE_MUTANTS } from '../lease/mutants.ts'
import { SESSION_MUTANTS } from '../sessions/mutants.ts'
import { DATA_MUTANTS } from './data-mutants.ts'
import { EXCLUSIVE_MUTANTS, MUTANTS } from './mutants.ts'

const SOURCES = fileURLToPath(new URL('../../packages/core/src/', import.meta.url))

/** A mutant that no longer fits would only fail in the gate itself, which takes minutes. */
describe('the mutants', () => {
  it.each([
    ...MUTANTS,
    ...EXCLUSIVE_MUTANTS,
    ...DATA_MUTANTS,
    ...SESSION_MUTANTS,
    ...LEASE_MUTANTS,
    ...BEHIND_MUTANTS,
    ...WRITE_MUTANTS,
  ])('the text that "$name" changes stands once in its file', ({ edits }) => {
    for (const { file, find } of edits)
      expect(readFileSync(SOURCES + file, 'utf8').split(find), `${file}: ${find}`).toHaveLength(2)
  })
})
