import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundle } from '@warmtoken/infra/bundle'
import { freePort } from '@warmtoken/infra/free-port'
import { type Stack, startStack } from '@warmtoken/infra/local-stack'
import { afterAll, beforeAll, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let stack: Stack
let folder: string

beforeAll(async () => {
  stack = await startStack()
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
  const { files } = await bundle(ROOT, ['functions/contacts.ts'])
  for (const [name, contents] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), contents)
  }
})

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await stack?.close()
  rmSync(folder, { recursive: true, force: true })
})

const running: ChildProcess[] = []

async function startEnvironment(change: Record<string, string> = {}): Promise<ChildProcess> {
  const handler = pathToFileURL(join(folder, 'functions/contacts.js')).href
  const child = fork(fileURLToPath(new URL('environment.ts', import.meta.url)), [handler], {
    execArgv: [],
    env: { ...stack.environment, AWS_REGION: 'us-east-1', TOKEN_DIRECTORY: join(folder, 'tmp'), ...change },
  })
  running.push(child)
  await once(child, 'message')
  return child
}

async function invoke(environment: ChildProcess): Promise<unknown> {
  environment.send('invoke')
  const [answer] = await once(environment, 'message')
  return answer
}

async function tokenRequests(): Promise<unknown> {
  return (await fetch(`${stack.issuer}/_count`)).json()
}

test('after SIGKILL a new process takes the token from the file, though the table is out of reach', async () => {
  const first = await startEnvironment()
  expect(await invoke(first)).toMatchObject({ status: 200, tier: 'source' })
  expect(await invoke(first)).toMatchObject({ status: 200, tier: 'memory' })
  first.kill('SIGKILL')
  await once(first, 'exit')

  const nobody = `http://127.0.0.1:${await freePort(0)}`
  const second = await startEnvironment({ AWS_ENDPOINT_URL_DYNAMODB: nobody })
  expect(await invoke(second)).toMatchObject({ status: 200, tier: 'file' })
  expect(await invoke(second)).toMatchObject({ status: 200, tier: 'memory' })

  // And another environment, with a folder of its own, finds it in the table.
  const other = await startEnvironment({ TOKEN_DIRECTORY: join(folder, 'other') })
  expect(await invoke(other)).toMatchObject({ status: 200, tier: 'store' })
  expect(await tokenRequests()).toEqual({ tokenRequests: 1, clients: { contacts: 1 } })
})
