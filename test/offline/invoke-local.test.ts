import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { environment, ROOT, serverless } from './offline-run.ts'

/** Far longer than a call takes: a command that does not end is a fault. In ms. */
const BOUND = 50_000

let home = ''
let temporary = ''
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
  temporary = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
})
afterAll(() => {
  for (const folder of [home, temporary]) rmSync(folder, { recursive: true, force: true })
})

function invokeLocal(name: string) {
  const env = environment({ home, temporary, mark: 'WARMTOKEN_RUN=invoke-local' })
  const args = [serverless(), 'invoke', 'local', '--function', name]
  const running = promisify(execFile)(process.execPath, args, { cwd: ROOT, env, timeout: BOUND })
  // The command reads an event from standard input, and waits for its end.
  running.child.stdin?.end()
  return running
}

test.each([
  ['contacts', 'Ada Lovelace'],
  ['prewarm', '"remaining"'],
  ['refresh', '"outcome": "ok"'],
])('serverless invoke local calls %s against the local stack, ends, and leaves no file', async (name, expected) => {
  const { stdout } = await invokeLocal(name)
  expect(stdout).toContain(expected)
  expect(readdirSync(temporary).filter((file) => file.startsWith('warmtoken-'))).toEqual([])
})

test('serverless invoke local ends with 1 and an error for a function that is not there', async () => {
  await expect(invokeLocal('nothing')).rejects.toMatchObject({ code: 1 })
})
