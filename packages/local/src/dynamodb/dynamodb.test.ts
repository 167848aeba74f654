import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { DynamoDBClient, DynamoDBServiceException, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalServer } from '../http/listen.ts'
import { startDynamoDB } from './start-dynamodb.ts'
import { startDynoxide } from './start-dynoxide.ts'

const supported = process.platform === 'linux' && process.arch === 'x64'
const servers = [
  { name: 'dynalite', start: startDynamoDB, image: false },
  ...(supported ? [{ name: 'dynoxide', start: startDynoxide, image: true }] : []),
]

describe.each(servers)('$name', ({ start, image }) => {
  let server: LocalServer
  let client: DynamoDBClient

  beforeAll(async () => {
    server = await start({ tables: ['tokens', 'others'] })
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' }
    client = new DynamoDBClient({ endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 1 })
  })
  afterAll(async () => {
    client.destroy()
    await server.close()
  })

  const swap = (pk: string, seen: string | undefined, tag: string) =>
    client.send(
      new UpdateItemCommand({
        TableName: 'tokens',
        Key: { pk: { S: pk } },
        UpdateExpression: 'SET tag = :tag',
        ConditionExpression: seen === undefined ? 'attribute_not_exists(pk)' : 'tag = :seen',
        ExpressionAttributeValues: { ':tag': { S: tag }, ...(seen === undefined ? {} : { ':seen': { S: seen } }) },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    )
  const outcome = async (sent: Promise<unknown>) => {
    try {
      await sent
      return 'ok'
    } catch (error) {
      return error instanceof DynamoDBServiceException ? error.name : 'broken'
    }
  }
  const read = async (pk: string) => {
    const key = { TableName: 'tokens', Key: { pk: { S: pk } }, ConsistentRead: true }
    return (await client.send(new GetItemCommand(key))).Item?.['tag']?.S
  }

  test('creates once and replaces only what was seen', async () => {
    expect(await outcome(swap('a', undefined, '1'))).toBe('ok')
    expect(await outcome(swap('a', undefined, '2'))).toBe('ConditionalCheckFailedException')
    expect(await outcome(swap('a', '1', '3'))).toBe('ok')
    expect(await outcome(swap('a', '1', '4'))).toBe('ConditionalCheckFailedException')
    expect(await read('a')).toBe('3')
  })

  test('of 200 racing writers exactly one wins', async () => {
    const racers = Array.from({ length: 200 }, (_, index) => outcome(swap('race', undefined, `${index}`)))
    const outcomes = await Promise.all(racers)
    expect(outcomes.filter((each) => each === 'ok')).toHaveLength(1)
    expect(await read('race')).toBe(String(outcomes.indexOf('ok')))
  })

  test(`a failed condition brings ${image ? 'the item' : 'no item'}`, async () => {
    await swap('image', undefined, '1')
    const failed = await swap('image', undefined, '2').catch((error: unknown) => error)
    expect(failed).toMatchObject({ Item: image ? { pk: { S: 'image' }, tag: { S: '1' } } : undefined })
  })

  test('survives a client that hangs up halfway and one that does not speak HTTP', async () => {
    const half = connect(server.port, '127.0.0.1')
    await once(half, 'connect')
    half.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 100\r\n\r\n{')
    half.end()
    const strange = connect(server.port, '127.0.0.1')
    strange.write('NOT HTTP\r\n\r\n')
    expect(await text(strange)).toMatch(/^(HTTP\/1.1 400 |$)/)
    half.destroy()
    expect(await outcome(swap('alive', undefined, '1'))).toBe('ok')
  })

  test('refuses a port that is taken and a table name that cannot be', async () => {
    await expect(start({ port: server.port })).rejects.toThrow('EADDRINUSE')
    await expect(start({ tables: ['no'] })).rejects.toThrow('The table no could not be created')
  })

  test('after close() nothing listens', async () => {
    const other = await start()
    await other.close()
    await other.close()
    await expect(fetch(other.url)).rejects.toThrow()
  })
})

test('a missing dynoxide is told clearly', async () => {
  await expect(startDynoxide({ binary: '/nonexistent/dynoxide' })).rejects.toThrow('Install the optional package')
})
