import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { prefixTags } from './key-template.ts'
import { matchesPattern, parsePattern } from './patterns.ts'

describe('a pattern', () => {
  it('is the tag of a prefix when it ends in ":*" behind two segments, else it stands in the root', () => {
    expect(parsePattern('project:42:*')).toEqual({ outcome: 'tag', tag: 'project:42:' })
    expect(parsePattern('project:*')).toEqual({ outcome: 'pattern', text: 'project:*' })
    expect(parsePattern('*:info')).toEqual({ outcome: 'pattern', text: '*:info' })
    expect(parsePattern('project:*:*')).toEqual({ outcome: 'pattern', text: 'project:*:*' })
    expect(parsePattern('project:4*')).toEqual({ outcome: 'pattern', text: 'project:4*' })
    expect(parsePattern('a b:**')).toEqual({ outcome: 'pattern', text: 'a%20b:*' })
  })

  it('reaches exactly the keys that have its tag', () => {
    const segment = fc.stringMatching(/^[a-z0-9]{1,3}$/)
    fc.assert(
      fc.property(
        fc.array(segment, { minLength: 1, maxLength: 5 }),
        fc.array(segment, { minLength: 2, maxLength: 4 }),
        (key, prefix) => {
          const parsed = parsePattern(`${prefix.join(':')}:*`)
          const tag = parsed.outcome === 'tag' ? parsed.tag : ''
          expect(prefixTags(key.join(':')).includes(tag)).toBe(matchesPattern(key.join(':'), `${prefix.join(':')}:*`))
        },
      ),
    )
  })

  it('matches as the same regular expression would', () => {
    const letters = fc.stringMatching(/^[ab:]{0,12}$/)
    fc.assert(
      fc.property(letters, fc.stringMatching(/^[ab:*]{0,8}$/), (key, pattern) => {
        const oracle = new RegExp(`^${pattern.split('*').join('.*')}$`)
        expect(matchesPattern(key, pattern)).toBe(oracle.test(key))
      }),
    )
  })

  it.each(['', 'a', 'x'.repeat(201), '*'.repeat(9), '\ud800*'])('is refused as %j', (text) => {
    expect(() => parsePattern(text)).toThrow(/invalidate: "match"/)
  })
})
