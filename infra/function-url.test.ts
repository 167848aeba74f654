import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { freePort } from './free-port.ts'
import { startFunctionUrl } from './function-url.ts'

const folder = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('streams what a function writes, with its head, its environment and the origin of anyone', async () => {
  const file = join(folder, 'function.mjs')
  writeFileSync(
    file,
    `export const handler = awslambda.streamifyResponse(async (event, response) => {
      const out = awslambda.HttpResponseStream.from(response, { statusCode: 201, headers: { 'content-type': 'text/event-stream' } })
      out.write('data: ' + process.env.WHO + ' ' + event.body + '\\n\\n')
      out.end('data: end\\n\\n')
    })`,
  )
  const port = await freePort(0)
  const { close } = await startFunctionUrl({ file, port, env: { WHO: 'ann' } })
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'hello' })
  expect([
    answer.status,
    answer.headers.get('content-type'),
    answer.headers.get('access-control-allow-origin'),
  ]).toEqual([201, 'text/event-stream', '*'])
  expect(await answer.text()).toBe('data: ann hello\n\ndata: end\n\n')
  const long = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x'.repeat(7_000_000) })
  expect(long.status).toBe(413)
  await close()
})

it('rejects when the bundle cannot be loaded', async () => {
  const port = await freePort(0)
  await expect(startFunctionUrl({ file: join(folder, 'none.mjs'), port, env: {} })).rejects.toThrow('none.mjs')
})
