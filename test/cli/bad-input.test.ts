import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { emptyRecord, parseRecord, printRecord } from '@warmtoken/core/record'
import { askDynamoDB } from '@warmtoken/local'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Fleet, startFleet } from './fleet.ts'
import { HEALTHY, type PlantedServer, startPlanted } from './planted.ts'
import { run, start } from './run.ts'

const NEVER = new AbortController().signal
const RING = ['--ring', 'absent.json']

let fleet: Fleet
let server: PlantedServer
let key = ''
beforeAll(async () => {
  fleet = await startFleet()
  server = await startPlanted(fleet.server.url)
  key = await fleet.fetch('one')
  await askDynamoDB(fleet.server.url, 'CreateTable', {
    TableName: 'users',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  })
  const Item = { id: { S: 'ada' } }
  // The table is being made for a moment.
  for (let status = 0; status !== 200; await turn())
    status = (await askDynamoDB(fleet.server.url, 'PutItem', { TableName: 'users', Item })).status
})
beforeEach(() => void Object.assign(server.planted, HEALTHY))
afterAll(async () => {
  await server?.close()
  await fleet?.server.close()
})

async function bodyOf(name: string): Promise<string | undefined> {
  return (await fleet.store.read(name, { signal: NEVER, consistent: true })).image?.body
}

describe('a table that is not ours', () => {
  it.each([
    ['list', []],
    ['watch', ['--count', '1']],
    ['inspect', [`lab~${'0'.repeat(40)}`]],
    ['purge', [`lab~${'0'.repeat(40)}`]],
  ])('is named by %s, and nothing is written to it', async (command, args) => {
    const { code, out, err } = await run([command, ...args, '--table', 'users', '--endpoint', server.url])
    expect([code, out, err]).toEqual([1, '', expect.stringMatching(/DynamoDB table users: its (hash )?key/)])
    expect(server.planted.writes).toBe(0)
  })
})

describe('a missing right', () => {
  it.each([
    ['list', 'Scan', []],
    ['watch', 'Scan', ['--count', '1']],
    ['list', 'GetItem', []],
    ['inspect', 'GetItem', ['KEY']],
    ['refresh', 'UpdateItem', ['KEY']],
    ['reject', 'UpdateItem', ['KEY']],
    ['purge', 'UpdateItem', ['KEY']],
  ])('ends %s with 4, names dynamodb:%s, and leaves nothing half-done', async (command, right, args) => {
    const before = await bodyOf(key)
    server.planted.denied = [right]
    const named = args.map((argument) => (argument === 'KEY' ? key : argument))
    const { code, out, err } = await run([command, ...named, '--table', 'tokens', '--endpoint', server.url])
    expect([code, out, err]).toEqual([4, '', expect.stringContaining(`dynamodb:${right}`)])
    expect(await bodyOf(key)).toBe(before)
  })
})

describe('a record that is refused among others', () => {
  it('leaves those before it done, names them, and ends with 1', async () => {
    const [plain, chain] = [await fleet.fetch('plain'), await fleet.fetch('chain', { exclusive: true })]
    const { code, out, err } = await run(['purge', plain, chain, ...fleet.place])
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(new RegExp(`^purged before that: ${plain}\\n.*--lose-chain`))
  })
})

describe('a file that is not there', () => {
  it('ends rotate-key before it asks the store', async () => {
    const { code, out, err } = await run(['rotate-key', '--table', 'tokens', '--endpoint', server.url, ...RING])
    expect([code, out, err]).toEqual([1, '', expect.stringContaining('absent.json')])
    expect(server.planted.writes).toBe(0)
  })
})

describe('a terminal that closes in the middle', () => {
  it.each(['SIGHUP', 'SIGTERM', 'SIGINT'] as const)(
    'ends purge by %s after the record that it is at: each is purged as a whole, or as it was',
    async (signal) => {
      const keys = Array.from({ length: 40 }, (_, index) => `lab~${signal.length}${String(index).padStart(39, '0')}`)
      const keepUntil = Date.now() + 1e9
      for (const name of keys) {
        const expected = (await fleet.store.read(name, { signal: NEVER, consistent: true })).image
        const swap = {
          expected,
          body: printRecord({ ...emptyRecord(name), keepUntil }),
          tag: `${signal}${name}`,
          keepUntil,
        }
        await fleet.store.swap(name, swap, { signal: NEVER })
      }
      // The write after these is in progress when the signal comes.
      const { promise: until, resolve: goOn } = Promise.withResolvers<void>()
      server.planted.held = { after: 3, until }
      const child = start(['purge', ...keys, '--table', 'tokens', '--endpoint', server.url])
      const closed = once(child, 'close')
      let err = ''
      child.stderr.on('data', (piece: Buffer) => {
        err += piece.toString()
      })
      while (server.planted.writes <= 3 && child.exitCode === null) await turn()
      child.kill(signal)
      goOn()
      await closed
      expect(child.exitCode).toBe(1)
      const refreshes = await Promise.all(
        keys.map(async (name) => {
          const parsed = parseRecord((await bodyOf(name)) ?? '', name)
          return parsed.outcome === 'record' ? parsed.record.refreshes.length : -1
        }),
      )
      const purged = refreshes.filter((count) => count === 1).length
      // What has been done is told, so that the rest can be named in another call.
      expect(err).toMatch(/^purged before that: lab~/)
      expect(err.match(/lab~\d{40}/g)).toHaveLength(purged)
      expect(err).toMatch(/stopped after \d+ of 40 records/)
      expect(refreshes.filter((count) => count === 0).length).toBe(keys.length - purged)
      expect(purged).toBeGreaterThan(0)
      expect(purged).toBeLessThan(keys.length)
    },
  )
})
