import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { isAlive, launchers } from './launchers.ts'

test('the chain begins with the parent and holds living processes', () => {
  expect(launchers()[0]).toBe(process.ppid)
  for (const pid of launchers()) expect(isAlive(pid)).toBe(true)
})

test('a process that has ended is not alive', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  const { pid } = child
  if (pid === undefined) throw new Error('the child did not start')
  await once(child, 'exit')
  expect(isAlive(pid)).toBe(false)
})
