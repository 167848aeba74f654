import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { drawAnswersPage } from './answers/page.ts'
import { measureAnswer, TOKEN_ANSWERS } from './answers/token-answers.ts'

const POLICY = 300
const MAX_LIFETIME = 400 * 86_400

describe('an answer of a real issuer', () => {
  it.each(TOKEN_ANSWERS)('has its right outcome: $name', async (one) => {
    const seen = await measureAnswer(one)
    expect(seen.outcome).toBe(one.expect)
    if (one.authorization !== undefined) expect(seen.authorization).toBe(one.authorization)
    if (one.lifetime !== undefined) {
      const named = { policy: POLICY, maxLifetime: MAX_LIFETIME }
      expect(seen.lifetime).toBe(typeof one.lifetime === 'number' ? one.lifetime : named[one.lifetime])
    }
    if (!one.exclusive) expect(seen.assumed).toBe(one.event === undefined ? undefined : 'lifetime')
    if (one.message !== undefined) expect(seen.message).toMatch(new RegExp(`${one.status ?? 200} with HTML`))
    if (one.keeps !== undefined) expect(seen.spendsNext).toBe(one.keeps)
  })
})

describe('the page of the answers', () => {
  it('is current; run `pnpm docs:answers` if it is not', async () => {
    const page = readFileSync(new URL('../../docs/sources/answers.md', import.meta.url), 'utf8')
    expect(page).toBe(await drawAnswersPage())
  })
})
