import { describe, expect, it } from 'vitest'
import type { Attribute, Reply, Send } from './operations.ts'
import { createReadMany } from './read-many.ts'

const how = { signal: new AbortController().signal, consistent: true }
const names = (count: number) => Array.from({ length: count }, (_, index) => `k${index}`)

/** A table that leaves keys of a batch unprocessed, as `leaves` says for the nth request. */
function table(leaves: (request: number, keys: readonly string[]) => readonly string[]) {
  const batches: number[] = []
  const single: string[] = []
  const most = { batches: 0, single: 0 }
  let inFlight = 0
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const itemOf = (key: string): { [name: string]: Attribute } => ({ pk: { S: key }, body: { S: key }, tag: { S: 't' } })
  const send: Send = async (_operation, input): Promise<Reply> => {
    const keys = ('RequestItems' in input ? (input.RequestItems['t']?.Keys ?? []) : []).map((key) => key['pk']?.S ?? '')
    const request = batches.push(keys.length) - 1
    inFlight += 1
    most.batches = Math.max(most.batches, inFlight)
    await turn()
    inFlight -= 1
    const left = new Set(leaves(request, keys))
    return {
      outcome: 'done',
      time: undefined,
      output: {
        Responses: { t: keys.filter((key) => !left.has(key)).map(itemOf) },
        UnprocessedKeys: { t: { Keys: [...left].map((key) => ({ pk: { S: key } })) } },
      },
    }
  }
  let reading = 0
  const { readMany } = createReadMany({
    table: 't',
    send,
    failed: (_right, error) => error as Error,
    read: async (key) => {
      single.push(key)
      reading += 1
      most.single = Math.max(most.single, reading)
      await turn()
      reading -= 1
      return { image: { body: key, tag: 't' }, time: undefined }
    },
  })
  return { readMany, batches, single, most }
}

describe('readMany of DynamoDB', () => {
  it('asks for a hundred keys a request, four requests at once', async () => {
    const { readMany, batches, most, single } = table(() => [])
    const found = await readMany(names(950), how)
    expect(found.size).toBe(950)
    expect(batches).toEqual([...Array(9).fill(100), 50])
    expect([most.batches, single.length]).toEqual([4, 0])
  })

  it('asks again as a batch for what was left unprocessed', async () => {
    const { readMany, batches, single } = table((request, keys) => (request < 2 ? keys.slice(0, 40) : []))
    const found = await readMany(names(100), how)
    expect(found.get('k0')?.image?.body).toBe('k0')
    expect(batches).toEqual([100, 40, 40])
    expect(single).toEqual([])
  })

  it('reads one by one, eight at a time, what four batches have left', async () => {
    const { readMany, batches, single, most } = table((_request, keys) => keys.slice(0, 20))
    const found = await readMany(names(100), how)
    expect(found.size).toBe(100)
    expect(batches).toEqual([100, 20, 20, 20])
    expect([single.length, most.single]).toEqual([20, 8])
  })
})
