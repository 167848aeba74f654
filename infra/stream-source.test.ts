import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startDynamoDB } from '@warmtoken/local'
import { afterEach, expect, it } from 'vitest'
import { ask, createTableWithStream, type StreamRecord } from './live-tables.ts'
import { startEventSource } from './stream-source.ts'
import { startTap } from './stream-tap.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A function at an address; what it was invoked with, as sequence numbers. */
async function startFunction(answer: (numbers: readonly string[], response: ServerResponse) => void) {
  const invocations: (readonly string[])[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { Records } = JSON.parse(Buffer.concat(chunks).toString()) as { Records: StreamRecord[] }
    const numbers = Records.map(({ dynamodb }) => dynamodb?.SequenceNumber ?? '')
    invocations.push(numbers)
    answer(numbers, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, invocations }
}

function records(from: number, to: number, live = true): readonly StreamRecord[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    dynamodb: { SequenceNumber: String(from + index), NewImage: live ? { live: { S: '{}' } } : {} },
  }))
}

function failing(first?: string): string {
  return JSON.stringify({ batchItemFailures: first === undefined ? [] : [{ itemIdentifier: first }] })
}

it('repeats a batch from the record that failed, and all of it when the function was killed', async () => {
  const { url, invocations } = await startFunction((_numbers, response) => {
    if (invocations.length === 1) return response.end(failing('4'))
    if (invocations.length === 2) return response.destroy()
    return response.end(failing())
  })
  const lots = [[...records(1, 6), ...records(7, 9, false)]]
  const source = startEventSource({ url, read: async () => lots.shift() ?? [] })
  ends.push(() => source.close())
  await expect.poll(() => invocations.length, { timeout: 10_000 }).toBe(3)
  expect(invocations).toEqual([
    ['1', '2', '3', '4', '5', '6'],
    ['4', '5', '6'],
    ['4', '5', '6'],
  ])
})

it('sends batches of at most 100 in order, and no record without an announcement', async () => {
  const { url, invocations } = await startFunction((_numbers, response) => response.end(failing()))
  const lots = [[...records(1, 250), ...records(251, 300, false)]]
  const source = startEventSource({ url, read: async () => lots.shift() ?? [] })
  ends.push(() => source.close())
  await expect.poll(() => invocations.flat().length, { timeout: 10_000 }).toBe(250)
  expect(invocations.map((one) => one.length)).toEqual([100, 100, 50])
  expect(invocations.flat()).toEqual(records(1, 250).map(({ dynamodb }) => dynamodb?.SequenceNumber))
})

it('the tap sees writes of its table that are announced and applied, and no others', async () => {
  const database = await startDynamoDB()
  ends.push(() => database.close())
  for (const table of ['mine', 'other']) await createTableWithStream(database.url, table, [['pk', 'HASH']])
  const tap = await startTap(database.url, 'mine')
  ends.push(() => tap.close())
  const write = (table: string, live: string | undefined, condition = 'attribute_not_exists(pk)') =>
    ask(tap.url, 'DynamoDB_20120810.UpdateItem', {
      TableName: table,
      Key: { pk: { S: `${live}` } },
      UpdateExpression: 'SET body = :body',
      ConditionExpression: condition,
      ExpressionAttributeValues: { ':body': { S: 'b' }, ...(live !== undefined && { ':live': { S: live } }) },
    }).catch(() => undefined)
  // dynalite refuses a value that no expression uses, so the applied ones set it.
  const announce = (table: string, live: string) =>
    ask(tap.url, 'DynamoDB_20120810.UpdateItem', {
      TableName: table,
      Key: { pk: { S: 'key' } },
      UpdateExpression: 'SET live = :live',
      ExpressionAttributeValues: { ':live': { S: live } },
    })
  await write('mine', undefined)
  await write('mine', 'refused', 'attribute_exists(pk)')
  await announce('other', 'of another table')
  await announce('mine', 'first')
  await announce('mine', 'second')
  const seen = await tap.read()
  expect(seen.map(({ dynamodb }) => dynamodb?.NewImage?.['live']?.S)).toEqual(['first', 'second'])
  expect(await tap.read()).toEqual([])
})
