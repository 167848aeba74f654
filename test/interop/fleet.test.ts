import { startDynamoDB } from '@warmtoken/local'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Orders, runFleet } from './fleet.ts'
import { ISSUERS } from './issuers.ts'

/** Fifty calls at once in each of eight processes. */
const PROCESSES = 8
const CALLS = 50

/** With this delay every call of a process begins before the first answer is there. */
const delay = 50

async function run(sdk: Orders['sdk'], processes: number, table?: string) {
  const { issuer, place } = await ISSUERS[sdk]({ delay })
  onTestFinished(() => issuer.close())
  const { tokens, failed } = await runFleet(processes, { sdk, place, calls: CALLS, ...(table && { table }) })
  return { requests: issuer.requests, tokens: tokens.length, failed }
}

describe.each([
  // What each asks of its issuer alone, in one process.
  ['msal', CALLS],
  ['feishu', CALLS],
  ['octokit', 1],
] as const)('%s in eight processes', (sdk, alone) => {
  it('with our cache makes one token request in all', async () => {
    const table = await startDynamoDB({ tables: ['tokens'] })
    onTestFinished(() => table.close())
    expect(await run(sdk, PROCESSES, table.url)).toEqual({ requests: 1, tokens: 1, failed: 0 })
  })

  it('without it makes many', async () => {
    const { requests, failed } = await run(sdk, PROCESSES)
    expect(failed).toBe(0)
    expect(requests).toBeGreaterThanOrEqual(PROCESSES)
    // A process that is held up for long would have its first answer early, so nearly all is what can be said.
    expect(requests).toBeGreaterThan((PROCESSES * alone) / 2)
  })
})
