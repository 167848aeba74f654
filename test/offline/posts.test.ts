import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OfflineRun, startOffline } from './offline-run.ts'
import { until } from './until.ts'

let run: OfflineRun

beforeAll(async () => {
  run = await startOffline()
})

afterAll(() => run?.cleanUp())

test('the posts run under serverless offline: sign up, sign in, post, list, open; and nothing is left', async () => {
  const post = (path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`${run.functions}${path}`, { method: 'POST', headers, body })
  const [type, user] = [{ 'content-type': 'application/json' }, '{"name":"ada","password":"correct horse"}']
  expect((await post('/sign-up', user, type)).status).toBe(201)
  const cookie = (await post('/sign-in', user, type)).headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const created = (await (await post('/posts', 'Hello', { cookie })).json()) as { readonly id: string }
  expect(await (await fetch(`${run.functions}/posts`)).json()).toMatchObject([{ text: 'Hello', by: 'ada' }])
  expect(await (await fetch(`${run.functions}/posts/${created.id}`)).json()).toEqual(created)
  // Which database there is, and what it cannot do.
  expect(run.output()).toMatch(/dynoxide: a post is a transaction|dynalite: it has no transactions/)
  expect(await run.end('SIGINT')).toBe(0)
  await until('no process is left', () => run.processes().length === 0)
  expect(run.files()).toEqual([])
})
