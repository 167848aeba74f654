import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listens, type OfflineRun, startOffline } from './offline-run.ts'
import { until } from './until.ts'

const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]+/

let run: OfflineRun

beforeAll(async () => {
  run = await startOffline()
})

afterAll(() => run?.cleanUp())

async function tokenRequests(): Promise<number> {
  const count: unknown = await (await fetch(`${run.issuer}/_count`)).json()
  return typeof count === 'object' && count && 'tokenRequests' in count ? Number(count.tokenRequests) : Number.NaN
}

async function call() {
  const response = await fetch(`${run.functions}/contacts`)
  const text = await response.text()
  return { status: response.status, text, body: JSON.parse(text) }
}

function times<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, make))
}

// The tests follow each other in one run, as a day of it would.
describe('serverless offline start', () => {
  test('8 parallel calls on a cold start cost one token request, and none shows the token', async () => {
    const answers = await times(8, call)
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    for (const { body, text } of answers) {
      expect(body).toEqual({
        tier: expect.stringMatching(/^(memory|file|store|source)$/),
        age: expect.any(Number),
        remaining: expect.any(Number),
        contacts: expect.any(Array),
      })
      expect(body.remaining).toBeGreaterThan(3_000_000)
      expect(text).not.toMatch(JWT)
    }
    expect(answers.filter(({ body }) => body.tier === 'source')).toHaveLength(1)
    expect(await tokenRequests()).toBe(1)
  })

  test('the next 1,000 calls cost none', async () => {
    let left = 1_000
    const statuses = new Set<number>()
    await times(20, async () => {
      while (left > 0) {
        left -= 1
        statuses.add((await call()).status)
      }
    })
    expect([...statuses]).toEqual([200])
    expect(await tokenRequests()).toBe(1)
  })

  test('a token that the API refuses is replaced within the call, once', async () => {
    expect(await (await fetch(`${run.api}/_refuse`, { method: 'POST' })).json()).toEqual({ refused: true })
    expect((await call()).status).toBe(200)
    expect(await tokenRequests()).toBe(2)
  })

  test('8 parallel calls for a slow leaderboard ask the API once, and later calls do not ask it', async () => {
    const get = async (game: string) => {
      const response = await fetch(`${run.functions}/leaderboard?game=${game}`)
      return { status: response.status, body: await response.json() }
    }
    // By game, for the plan of the refreshes makes others.
    const made = async (game: string) =>
      ((await (await fetch(`${run.api}/_leaderboards`)).json()) as { games: Record<string, number> }).games[game]
    const answers = await times(8, () => get('chess'))
    for (const { status, body } of answers) {
      expect(status).toBe(200)
      expect(body).toMatchObject({ game: 'chess', lines: [{ player: 'Ada', score: 2_850 }, expect.anything()] })
    }
    expect(await made('chess')).toBe(1)
    expect((await get('chess')).status).toBe(200)
    expect(await times(2, () => get('nothing'))).toEqual(Array(2).fill({ status: 404, body: { error: 'not_found' } }))
    expect([await made('chess'), await made('nothing')]).toEqual([1, 1])
    expect((await get('N0!')).status).toBe(400)
  })

  test('the console lists the token and the leaderboards, shows neither, and takes actions of this machine alone', async () => {
    const address = /console +(http\S+)/.exec(run.output())?.[1] ?? ''
    expect(await (await fetch(address)).text()).toContain('<title>warmtoken</title>')
    const list = async () => (await fetch(`${address}api/records`)).text()
    const text = await list()
    const { records } = JSON.parse(text) as { records: { key: string; notes: string[] }[] }
    expect(new Set(records.map(({ key }) => key.split(/[~:]/)[0]))).toEqual(new Set(['oauth2', 'leaderboard']))
    expect(text).not.toMatch(JWT)
    const { key } = records.find((record) => record.key.startsWith('oauth2~')) ?? { key: '' }
    const act = (action: string, site: string) =>
      fetch(`${address}api/control`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'sec-fetch-site': site },
        body: JSON.stringify({ action, key, minutes: 5 }),
      })
    expect((await act('stop', 'cross-site')).status).toBe(403)
    expect(await (await act('stop', 'same-origin')).json()).toEqual({ outcome: 'written' })
    expect(await list()).toContain('"stopped"')
    // What is alive is served while its source is stopped.
    expect((await call()).status).toBe(200)
    expect(await (await act('reset', 'same-origin')).json()).toEqual({ outcome: 'written' })
  })

  test('a second run beside it takes other ports, and leaves nothing even when it is killed', async () => {
    const second = await startOffline()
    try {
      expect(second.addresses.filter((address) => run.addresses.includes(address))).toEqual([])
      expect((await fetch(`${second.functions}/contacts`)).status).toBe(200)
      expect(second.files()).not.toEqual([])
      await second.end('SIGKILL')
      // The framework's own empty folder is left by SIGKILL, which nobody but the framework can change.
      await until('no file is left', () => second.files().every((name) => !name.startsWith('warmtoken-')))
      await until('no process is left', () => second.processes().length === 0)
    } finally {
      second.cleanUp()
    }
  })

  test('SIGINT ends it and leaves no process, no port and no file', async () => {
    expect(await run.end('SIGINT')).toBe(0)
    await until('no process is left', () => run.processes().length === 0)
    expect(run.files()).toEqual([])
    expect(run.homeFiles()).toEqual([])
    expect(run.addresses.length).toBeGreaterThanOrEqual(5)
    for (const address of run.addresses) expect(await listens(address)).toBe(false)
    expect(run.output()).not.toMatch(JWT)
  })
})
