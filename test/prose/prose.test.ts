import { describe, expect, it } from 'vitest'
import { describeFinding, findIn, findPhrases, parsePhrases, readPhrases } from './words.ts'

/** Folders and files whose prose is checked: pages, and the comments, messages and test names of code. */
const CHECKED = ['*.md', 'docs', '.changeset', '.github', 'bench', 'functions', 'infra', 'packages', 'scripts', 'test']

describe('the prose', () => {
  it('uses no phrase of words.txt; the better one stands beside it', () => {
    expect(findPhrases(CHECKED).map(describeFinding)).toEqual([])
  })
})

describe('the check', () => {
  const found = (text: string) => findIn('x.ts', text, readPhrases()).map((one) => `${one.line} ${one.found}`)

  it('finds a phrase in a comment, a message and a test name', () => {
    expect(found('// whoever waits\n')).toEqual(['1 whoever'])
    expect(found('\nthrow new TypeError("url is no URL")')).toEqual(['2 is no URL'])
    expect(found("it('Mends the record', () => {})")).toEqual(['1 Mends'])
  })

  it('finds a phrase across the lines of a comment', () => {
    expect(found('/**\n * the lease ends by\n * itself\n */')).toHaveLength(1)
  })

  it('leaves whole other words alone', () => {
    expect(found('recommend amendment, there is no longer a key, for item in items')).toEqual([])
  })

  it('refuses a list without a better phrase', () => {
    expect(() => parsePhrases('whoever')).toThrow(/"whoever" has no better phrase/)
  })
})
