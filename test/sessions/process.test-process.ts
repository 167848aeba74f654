/** One environment as a process of its own: does what it is told, line by line, and prints what it was given. */
import { createInterface } from 'node:readline'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createSessions } from '@warmtoken/core/sessions'

/** What a process is asked to do. */
export interface Order {
  readonly act: 'create' | 'rotate' | 'use' | 'revokeAll' | 'verify'
  readonly user: string
  readonly tokens: readonly string[]
  readonly times: number
}

const env = process.env
const store = dynamoDBStore({ table: 'sessions', env })
const sessions = createSessions({
  store,
  idle: 600_000,
  // Every use is a renewal.
  renewEvery: 1,
  limit: { most: 50, when: 'oldest-out' },
  recheck: 100,
  storeTimeout: 5_000,
})

/** As a caller does that is told to try again. */
async function untilDone<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call()
    } catch (error) {
      if (attempt === 30) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** The tokens that came of it; of `verify`, those that were accepted. */
async function obey({ act, user, tokens, times }: Order): Promise<readonly string[]> {
  if (act === 'revokeAll') {
    await untilDone(() => sessions.revokeAll(user))
    return []
  }
  const given: string[] = []
  if (act === 'create')
    for (let n = 0; n < times; n += 1) given.push((await untilDone(() => sessions.create(user))).token.value)
  if (act === 'rotate') {
    for (const token of tokens) {
      const next = await sessions.rotate(token, { grace: 600_000 }).catch(() => undefined)
      if (next !== undefined) given.push(next.token.value)
    }
  }
  if (act === 'use') {
    for (let n = 0; n < times; n += 1)
      for (const token of tokens) {
        await sessions.verify(token, { fresh: true }).catch(() => undefined)
        await sessions.settle({ timeout: 10_000 })
      }
  }
  if (act === 'verify') {
    for (const token of tokens) {
      // A store that has just failed this process is left alone for a moment.
      if ((await untilDone(() => sessions.verify(token, { fresh: true }))) !== undefined) given.push(token)
    }
  }
  return given
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  console.log(JSON.stringify(await obey(JSON.parse(line) as Order)))
})
