import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  coversAsMuch,
  MAX_PATTERNS,
  MAX_ROOT_LENGTH,
  NO_ROOT,
  nextNumber,
  numberOfRoot,
  parseGeneration,
  parseRoot,
  patternIn,
  printGeneration,
  printRoot,
  type Root,
  raise,
  raisePattern,
  raiseRoot,
} from './generations.ts'
import { judge } from './judge.ts'

const NOW = 1_700_000_000_000
const severity = fc.constantFrom('hard', 'soft')
const step = fc.record({
  kind: fc.constantFrom('everything', 'pattern'),
  severity,
  text: fc.constantFrom('a:*', 'b:*', '*:c', ...Array.from({ length: 60 }, (_, index) => `p${index}:*`)),
  passed: fc.integer({ min: 0, max: 5 }),
})

function apply(root: Root, one: { kind: string; severity: string; text: string }, latest: number): Root {
  const how = one.severity === 'hard' ? 'hard' : 'soft'
  return one.kind === 'everything'
    ? raiseRoot(root, how, latest)
    : raisePattern(root, { text: one.text, severity: how, latest })
}

describe('the numbers of a tag', () => {
  it('rise with every invalidation, also when the clock stands still or goes back', () => {
    const once = raise({ hard: 0, soft: 0 }, 'hard', NOW + 0.5)
    expect(once).toEqual({ hard: NOW + 1, soft: 0 })
    expect(raise(once, 'soft', NOW - 5_000)).toEqual({ hard: NOW + 1, soft: NOW + 2 })
  })

  it('never rise to one that no record may hold', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), severity, (last, how) => {
        const raised = raise({ hard: 0, soft: 0, [how === 'hard' ? 'soft' : 'hard']: Math.min(last, NOW) }, how, NOW)
        expect(parseGeneration(printGeneration(raised, 'k'), 'k', NOW)).toEqual(raised)
        expect(parseGeneration(printGeneration({ hard: nextNumber(last, NOW), soft: 0 }, 'k'), 'k', NOW)).toBeDefined()
      }),
    )
  })

  it('are read back from their text, and damage is seen', () => {
    const generation = { hard: NOW, soft: 7 }
    expect(parseGeneration(printGeneration(generation, 'k'), 'k', NOW)).toEqual(generation)
    const damaged = [
      '',
      '{}',
      'null',
      printGeneration(generation, 'other'),
      printGeneration({ hard: -1, soft: 0 }, 'k'),
    ]
    for (const body of [...damaged, printGeneration({ hard: 9e15, soft: 0 }, 'k'), 'x'.repeat(5_000)])
      expect(parseGeneration(body, 'k', NOW)).toBeUndefined()
  })
})

describe('a root record', () => {
  it('stays within its bounds, rises, and never forbids less than was asked', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        let root = NO_ROOT
        let now = NOW
        // What was loaded before each invalidation, with a key that it reaches.
        const before: { key: string; under: number; hard: boolean }[] = []
        for (const one of steps) {
          now += one.passed
          const key = one.kind === 'everything' ? 'z:1' : one.text.replace('*', one.text.startsWith('*') ? 'x' : 'c')
          before.push({ key, under: numberOfRoot(root), hard: one.severity === 'hard' })
          const next = apply(root, one, now)
          expect(numberOfRoot(next)).toBeGreaterThan(numberOfRoot(root))
          root = next
        }
        expect(root.patterns.length).toBeLessThanOrEqual(MAX_PATTERNS)
        expect(printRoot(root, '').length).toBeLessThanOrEqual(MAX_ROOT_LENGTH)
        expect(parseRoot(printRoot(root, 'k'), 'k', now)).toEqual(root)
        for (const { key, under, hard } of before) {
          const { outcome } = judge(key, { tags: [], root: under }, { tag: () => undefined, root })
          expect(hard ? ['dead'] : ['stale', 'dead']).toContain(outcome)
        }
        const { outcome } = judge('z:1', { tags: [], root: numberOfRoot(root) }, { tag: () => undefined, root })
        expect(outcome).toBe('good')
      }),
    )
  })

  it('folds the oldest pattern into its own numbers when it is full', () => {
    let root = NO_ROOT
    for (let index = 0; index <= MAX_PATTERNS; index += 1)
      root = raisePattern(root, { text: `p${index}:*`, severity: 'hard', latest: NOW + index })
    expect(root.patterns).toHaveLength(MAX_PATTERNS)
    expect(root.hard).toBe(NOW)
    expect(patternIn(root, 'p0:*').hard).toBe(NOW)
    expect(patternIn(root, 'p5:*').hard).toBe(NOW + 5)
  })

  it('is damaged with a pattern that is none', () => {
    const text = printRoot({ hard: 0, soft: 0, patterns: [] }, 'k').replace('"patterns":[]', '"patterns":[["a:*",1]]')
    expect(parseRoot(text, 'k', NOW)).toBeUndefined()
  })
})

describe('a conflict', () => {
  it('is a later invalidation only with a number above all that were read before', () => {
    expect(coversAsMuch({ hard: 11, soft: 0 }, 'hard', 10)).toBe(true)
    expect(coversAsMuch({ hard: 10, soft: 0 }, 'hard', 10)).toBe(false)
    expect(coversAsMuch({ hard: 0, soft: 11 }, 'hard', 10)).toBe(false)
    expect(coversAsMuch({ hard: 11, soft: 0 }, 'soft', 10)).toBe(true)
  })
})
