import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePort } from './free-port.ts'

test('the wanted port if it is free, another if it is taken', async () => {
  const port = await freePort(0)
  expect(await freePort(port)).toBe(port)
  const holder = createServer().listen(port, '127.0.0.1')
  await once(holder, 'listening')
  const other = await freePort(port)
  expect(other).not.toBe(port)
  expect(other).toBeGreaterThan(0)
  holder.close()
})
