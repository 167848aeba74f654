import { createTokens } from '@warmtoken/core'
import { aesGcm } from '@warmtoken/core/seal'
import { describe, expect, it } from 'vitest'
import { type Mutant, mutatedKit } from '../mutation/build.ts'
import { type Kit, loadKit } from './day.ts'
import { violationsOf } from './planted.ts'

const CURRENT: Kit = { createTokens, aesGcm }
const DAYS = 6

/** One idea of this page taken out of the production source. */
const MUTANTS: readonly Mutant[] = [
  {
    name: 'an unreadable record counts as empty',
    edits: [
      { file: 'engine/miss/record-io.ts', find: 'if (unreadable === undefined) return', replace: 'if (key) return' },
    ],
  },
  {
    name: 'a damaged part voids the record',
    edits: [
      {
        file: 'record/record.ts',
        find: "return { outcome: 'record', record, damaged }",
        replace: "return damaged.length > 0 ? notARecord('bad part') : { outcome: 'record', record, damaged }",
      },
    ],
  },
  {
    name: 'a lease of any length is believed',
    edits: [{ file: 'record/plausible.ts', find: 'lease.length <= MAX_LEASE', replace: 'lease.length > 0' }],
  },
  {
    name: 'a lease from the future is believed',
    edits: [{ file: 'record/plausible.ts', find: 'lease.acquiredAt <= dated', replace: 'lease.acquiredAt > 0' }],
  },
  {
    name: 'a cool-down of any length is believed',
    edits: [
      {
        file: 'record/plausible.ts',
        find: 'failure.notBefore <= dated + MAX_COOL_DOWN',
        replace: 'failure.notBefore > 0',
      },
    ],
  },
  {
    name: 'a mint budget of any size is believed',
    edits: [{ file: 'record/plausible.ts', find: 'budget <= dated + MAX_COOL_DOWN', replace: 'budget > 0' }],
  },
  {
    name: 'the instants beside a sealed value count',
    edits: [
      {
        file: 'engine/file-hit.ts',
        find: 'hardExpiry: Math.min(hardExpiry, beside.hardExpiry)',
        replace: 'hardExpiry: beside.hardExpiry',
      },
      {
        file: 'engine/file-hit.ts',
        find: 'softExpiry: Math.min(softExpiry, beside.softExpiry)',
        replace: 'softExpiry: beside.softExpiry',
      },
    ],
  },
]

/** What goes wrong on some days, for either kind of source. */
async function violationsIn(
  kit: Kit,
  stopAfter = Number.POSITIVE_INFINITY,
): Promise<{ readonly found: readonly string[]; readonly planted: number }> {
  await loadKit(kit)
  const found: string[] = []
  let count = 0
  for (let seed = 1; seed <= DAYS && found.length < stopAfter; seed += 1) {
    for (const exclusive of [false, true]) {
      const { planted, violations } = await violationsOf(kit, { seed, exclusive })
      count += planted
      found.push(...violations.map((what) => `day ${seed}, ${exclusive ? 'exclusive' : 'shared'}: ${what}`))
    }
  }
  return { found, planted: count }
}

describe('a fleet whose records someone damages all day', () => {
  it('spends nothing twice, returns no dead token, ends each call in time, and recovers', async () => {
    const { found, planted } = await violationsIn(CURRENT)
    expect(found).toEqual([])
    expect(planted).toBeGreaterThan(200)
  })

  it.each(MUTANTS)('notices when $name', async (mutant) => {
    const { found } = await violationsIn(await mutatedKit(mutant), 1)
    expect(found).not.toEqual([])
  })
})
