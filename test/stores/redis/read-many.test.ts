import { type CallsOptions, createFaults, makeCalls } from '@warmtoken/adapters-redis/calls'
import { describe, expect, it } from 'vitest'

const how = { signal: new AbortController().signal, consistent: true }

/** A server that answers at most so many keys by one script. */
function server(most: number) {
  const asked: number[] = []
  const ask: CallsOptions['ask'] = async (_name, _script, { keys }) => {
    asked.push(keys.length)
    if (keys.length > most) throw new Error('ERR max request size exceeded. Limit: 10485760 bytes')
    return [1_000, ...keys.map((key) => ['there', '=t', `=${key}`])]
  }
  return { calls: makeCalls({ ask, prefix: 'p:', faultOf: createFaults('Redis') }), asked }
}

describe('readMany of Redis', () => {
  it('looks at a thousand keys by one script, in the order of the keys', async () => {
    const { calls, asked } = server(1_000)
    const keys = Array.from({ length: 1_001 }, (_, index) => `k${index}`)
    const found = await calls.readMany(keys, how)
    expect([...found].map(([key, seen]) => [key, seen.image?.body])).toEqual(keys.map((key) => [key, `p:${key}`]))
    expect(asked).toEqual([1_000, 1])
  })

  it('halves what is too large for the server', async () => {
    const { calls, asked } = server(3)
    const found = await calls.readMany(['a', 'b', 'c', 'd', 'e'], how)
    expect([...found.keys()]).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(asked).toEqual([5, 3, 2])
  })

  it('rejects with a fault when a single record is too large, after a bounded number of scripts', async () => {
    const { calls, asked } = server(0)
    await expect(calls.readMany(['a', 'b'], how)).rejects.toMatchObject({ code: 'STORE_REFUSED', retryable: false })
    expect(asked).toEqual([2, 1])
  })
})
