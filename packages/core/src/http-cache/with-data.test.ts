import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import { expect, it } from 'vitest'
import { createCache } from '../data/index.ts'
import { virtualRuntime } from '../lib/virtual-runtime.test-data.ts'
import { httpCache } from '../middy/http-cache.ts'
import { createSchedule, plan } from '../schedule/schedule.ts'
import { memoryStore } from '../stores/memory.ts'
import { fromHttp } from './from-http.ts'

interface Project {
  readonly id: number
}

it('keeps what an API gives by its own headers, and hands the rest of its life on to browsers', async () => {
  const conditions: unknown[] = []
  const server = createServer((request, response) => {
    conditions.push(request.headers['if-none-match'])
    const isKnown = request.headers['if-none-match'] === '"v1"'
    const headers = { etag: '"v1"', 'cache-control': 'max-age=60, stale-while-revalidate=60' }
    response.writeHead(isKnown ? 304 : 200, headers).end(isKnown ? undefined : '{"id":7}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const cache = createCache({ name: 'shop', store: memoryStore() })
    const { port } = server.address() as AddressInfo
    const load = fromHttp<{ readonly id: string | number }, Project>(`http://127.0.0.1:${port}/projects/{id}`)
    const project = cache.use({ key: 'project:{id}', fresh: 1_000, load })
    const handler = middy()
      .use(httpCache())
      .handler(async () => {
        const value: Project | undefined = await project.get({ id: 7 })
        return { statusCode: 200, body: JSON.stringify(value), cached: await project.inspect({ id: 7 }) }
      })
    const ask = (headers: object) => handler({ httpMethod: 'GET', headers }, {} as Context) as Promise<unknown>
    const first = (await ask({})) as { readonly body: string; readonly headers: { readonly [name: string]: string } }
    expect(first.body).toBe('{"id":7}')
    // At most the minute that the API told; refreshes are spread over its last tenths.
    const [, maxAge = ''] =
      /^private, max-age=(\d+), stale-while-revalidate=\d+/.exec(first.headers['cache-control'] ?? '') ?? []
    expect(Number(maxAge)).toBeGreaterThan(30)
    expect(Number(maxAge)).toBeLessThanOrEqual(60)
    expect(await ask({ 'if-none-match': first.headers['etag'] })).toMatchObject({ statusCode: 304, body: '' })
    expect(conditions).toEqual([undefined])
    await project.get({ id: 7 }, { maxAge: 0 })
    expect(conditions).toEqual([undefined, '"v1"'])
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

it('is refreshed by a plan, once for each boundary, in whichever environment', async () => {
  const clock = virtualRuntime(20_820 * 86_400_000)
  const { runtime, finish, advance } = clock
  const store = memoryStore({ wall: clock.now })
  let loads = 0
  const environment = () => {
    const cache = createCache({ name: 'shop', store, runtime })
    const board = cache.use({ key: 'board:{day}', fresh: 3_600_000, load: async () => ({ loads: ++loads }) })
    const refreshes = plan({
      name: 'main',
      items: [{ name: 'board', source: board, params: { day: 1 }, every: '15m' }],
    })
    return { board, ...createSchedule({ store, runtime, plan: refreshes }) }
  }
  const [one, other] = [environment(), environment()]
  expect((await finish(one.handler())).runs).toMatchObject([{ outcome: 'ok' }])
  expect((await finish(other.handler())).runs).toEqual([])
  await advance(15 * 60_000 + 1_000)
  expect((await finish(other.handler())).runs).toMatchObject([{ outcome: 'ok' }])
  expect((await finish(one.handler())).runs).toEqual([])
  expect(loads).toBe(2)
  expect(await finish(other.board.get({ day: 1 }))).toEqual({ loads: 2 })
})
