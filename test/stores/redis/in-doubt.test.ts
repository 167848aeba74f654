import { type Ask, makeCalls } from '@warmtoken/adapters-redis/calls'
import { repeatOnce, type Swap, storeFault } from '@warmtoken/core/adapter'
import { expect, it } from 'vitest'

const { signal } = new AbortController()
const WANTED: Swap = { expected: undefined, body: '{}', tag: 'mine', keepUntil: 1 }
const faultOf = () => storeFault('failed', { code: 'STORE_UNAVAILABLE', retryable: true })

/** Requests to a server that says what it is told, once for each attempt; `undefined`: no answer comes. */
function callsOn(...answers: readonly unknown[]) {
  let count = 0
  const attempt = async (): Promise<unknown> => {
    const answer = answers[count]
    count += 1
    if (answer === undefined) throw new Error('lost')
    if (answer instanceof Error) throw answer
    return answer
  }
  const isUnanswered = (error: unknown) => (error as Error).message === 'lost'
  const ask: Ask = () => repeatOnce(attempt, { signal, isUnanswered, pause: 0 })
  return makeCalls({ ask, prefix: '', faultOf })
}

const other = () => [1_000, ['there', '=of-another', '={}']]
const mine = () => [1_000, ['swapped']]

it('A swap that got no answer, and whose repeat meets the write of another, is in doubt', async () => {
  expect(await callsOn(undefined, other()).swap('k', WANTED, { signal })).toMatchObject({
    outcome: 'unknown',
    cause: { code: 'STORE_UNAVAILABLE', retryable: true },
  })
})

it('A repeat that finds its own write is swapped', async () => {
  expect(await callsOn(undefined, mine()).swap('k', WANTED, { signal })).toMatchObject({ outcome: 'swapped' })
})

it('A swap that got no answer is in doubt too where the server had to be given the script again', async () => {
  const unknownScript = new Error('NOSCRIPT No matching script')
  const swapped = await callsOn(undefined, unknownScript, other()).swap('k', WANTED, { signal })
  expect(swapped).toMatchObject({ outcome: 'unknown' })
})

it('A swap whose first attempt meets the write of another is a conflict', async () => {
  expect(await callsOn(other()).swap('k', WANTED, { signal })).toMatchObject({
    outcome: 'conflict',
    seen: { image: { tag: 'of-another' } },
  })
})
