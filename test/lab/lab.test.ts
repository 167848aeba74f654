import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '@warmtoken/infra/bundle'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../offline/until.ts'
import type { Outcome } from './contracts.ts'
import { type Lab, startLab } from './lab.ts'
import { packaged } from './packaged.ts'
import { isStopped } from './runtime-process.ts'
import { unzip } from './unzip.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FUNCTION = 'test/lab/functions/plain'
const TIMEOUT = 60_000

let files: ReadonlyMap<string, Uint8Array>
let lab: Lab
let transcript: string[]

function start(handler: string): Promise<Lab> {
  return startLab({ bundle: files, handler, movableClock: true, onEvent: (what) => transcript.push(what) })
}

beforeAll(async () => {
  files = (await bundle(ROOT, [`${FUNCTION}.ts`])).files
})

beforeEach(async () => {
  transcript = []
  lab = await start(`${FUNCTION}.handler`)
})

afterEach(() => lab.close())

/** What the handler answered; fails the test when it did not. */
function resultOf(outcome: Outcome) {
  if (outcome.status !== 'answered') throw new Error(JSON.stringify(outcome))
  return Object(outcome.result)
}

test('an environment keeps its process from one invocation to the next, and stands still between them', async () => {
  const one = lab.environment()
  const first = resultOf(await one.invoke({ do: 'leave work' }, { timeout: TIMEOUT }))
  const { pid = 0 } = one
  expect(isStopped(pid)).toBe(true)
  const second = resultOf(await one.invoke({}, { timeout: TIMEOUT }))
  expect([first.invocations, second.invocations, one.pid]).toEqual([1, 2, pid])
  expect(first.requestId).not.toBe(second.requestId)
  expect(first.remaining).toBeGreaterThan(0)
  expect(first.remaining).toBeLessThanOrEqual(TIMEOUT)
  expect(first.initialization).toBe('on-demand')
  expect(existsSync(join(first.directory, `${FUNCTION}.js`))).toBe(true)
  expect(transcript).toEqual([
    ...['A: init', 'A: invoke', 'A: answers', 'A: freeze'],
    ...['A: thaw', 'A: invoke', 'A: answers', 'A: freeze'],
  ])
})

test('an error of the handler is reported by its type, and the process stays', async () => {
  const one = lab.environment()
  expect(await one.invoke({ do: 'throw' })).toEqual({
    status: 'failed',
    errorType: 'RangeError',
    errorMessage: 'as told',
  })
  expect(resultOf(await one.invoke()).invocations).toBe(2)
})

test('a process that ends in the middle takes the memory along and leaves the files', async () => {
  const one = lab.environment()
  await one.invoke({ do: 'leave a file' })
  expect(await one.invoke({ do: 'exit' })).toEqual({ status: 'crashed', ending: { code: 3, signal: null } })
  expect(resultOf(await one.invoke())).toMatchObject({ invocations: 1, left: true })
  expect(resultOf(await lab.environment().invoke())).toMatchObject({ invocations: 1, left: false })
  expect(transcript.filter((line) => line.startsWith('A')).slice(4)).toEqual([
    ...['A: thaw', 'A: invoke', 'A: crashed'],
    ...['A: invoke', 'A: init', 'A: answers', 'A: freeze'],
  ])
})

test('when the time is over the process is killed, and the next invocation initializes again', async () => {
  const one = lab.environment()
  expect(await one.invoke({ do: 'hang' }, { timeout: 200 })).toEqual({ status: 'timed-out' })
  expect(one.pid).toBeUndefined()
  expect(resultOf(await one.invoke({}, { timeout: TIMEOUT })).invocations).toBe(1)
  expect(transcript).toEqual([
    ...['A: init', 'A: invoke', 'A: timeout'],
    ...['A: invoke', 'A: init', 'A: answers', 'A: freeze'],
  ])
})

test('a second init that takes longer than the invocation may is killed with it', async () => {
  const one = lab.environment()
  await one.invoke()
  await one.kill()
  expect(await one.invoke({}, { timeout: 1 })).toEqual({ status: 'timed-out' })
  expect(one.pid).toBeUndefined()
  expect(resultOf(await one.invoke({}, { timeout: TIMEOUT })).invocations).toBe(1)
})

test('a function that cannot be loaded fails with the reason', async () => {
  const other = await start(`${FUNCTION}.missing`)
  try {
    expect(await other.environment().invoke()).toMatchObject({
      status: 'failed',
      errorType: 'Runtime.HandlerNotFound',
    })
  } finally {
    await other.close()
  }
})

test('the clock is moved by the next invocation, and dates that are given stay', async () => {
  const one = lab.environment()
  await one.initialize()
  const hour = 3_600_000
  lab.moveClock(hour)
  const before = Date.now()
  const { done, remaining } = resultOf(await one.invoke({ do: 'clock' }, { timeout: TIMEOUT }))
  const after = Date.now()
  for (const time of [done.now, Date.parse(done.made)]) {
    expect(time).toBeGreaterThanOrEqual(before + hour)
    expect(time).toBeLessThanOrEqual(after + hour)
  }
  expect(done.given).toBe(new Date(7).toISOString())
  // What is left of the invocation is reported by the same clock.
  expect(remaining).toBeLessThanOrEqual(TIMEOUT)
  expect(remaining).toBeGreaterThan(0)
})

test('one invocation at a time, unless it is a managed instance', async () => {
  const one = lab.environment()
  const first = one.invoke()
  await expect(one.invoke()).rejects.toThrow('busy')
  await first

  const many = lab.environment({ concurrency: { invocations: 6, workers: 3 } })
  await many.initialize()
  const results = (await Promise.all(Array.from({ length: 6 }, () => many.invoke()))).map(resultOf)
  expect(new Set(results.map(({ thread }) => thread)).size).toBe(3)
  expect(results.every(({ initialization }) => initialization === 'lambda-managed-instances')).toBe(true)
  expect(isStopped(many.pid ?? 0)).toBe(false)
})

test('a signal comes before the end only where an extension is registered', async () => {
  const [one, other] = [lab.environment(), lab.environment()]
  await Promise.all([one.invoke(), other.invoke()])
  expect(await one.shutDown()).toEqual({ code: null, signal: 'SIGKILL' })
  expect(existsSync(join(one.temporary, 'sigterm'))).toBe(false)
  expect(await other.shutDown({ extension: true })).toEqual({ code: 0, signal: null })
  expect(existsSync(join(other.temporary, 'sigterm'))).toBe(true)
})

test('closing leaves no process and no file', async () => {
  const other = await start(`${FUNCTION}.handler`)
  const [frozen, busy] = [other.environment(), other.environment({ concurrency: { invocations: 2, workers: 2 } })]
  await frozen.invoke()
  await busy.initialize()
  const hanging = busy.invoke({ do: 'hang' })
  const pids = [frozen.pid ?? 0, busy.pid ?? 0]
  expect(pids.map(isAlive)).toEqual([true, true])
  await other.close()
  expect((await hanging).status).toBe('crashed')
  expect(pids.map(isAlive)).toEqual([false, false])
  expect(existsSync(frozen.temporary)).toBe(false)
})

test('a lab that is killed leaves no process and no file either', async () => {
  const child = fork(fileURLToPath(new URL('abandoned.test-process.ts', import.meta.url)), {
    execArgv: ['--conditions=source'],
  })
  const [message] = await once(child, 'message')
  const { pid, temporary } = Object(message)
  expect([isAlive(pid), existsSync(temporary)]).toEqual([true, true])
  child.kill('SIGKILL')
  await until('the frozen process has ended', () => !isAlive(pid))
  await until('the folder is gone', () => !existsSync(temporary))
})

test('the command says which of its arguments is wrong', async () => {
  const child = fork(fileURLToPath(new URL('cli.ts', import.meta.url)), ['--environments', '201'], {
    execArgv: ['--conditions=source'],
    silent: true,
  })
  let printed = ''
  child.stderr?.on('data', (chunk) => (printed += chunk))
  expect((await once(child, 'close'))[0]).toBe(2)
  expect(printed).toContain('--environments takes a whole number from 1 to 200, not "201"')
})

test('the artifact of `serverless package` unpacks to the files of the bundle', async () => {
  const [{ bundle: artifact }, { files: expected }] = await Promise.all([
    packaged('contacts'),
    bundle(ROOT, ['functions/contacts.ts']),
  ])
  if (!(artifact instanceof Uint8Array)) throw new Error('the example comes as a zip')
  const unpacked = unzip(artifact)
  expect([...unpacked.keys()].sort()).toEqual([...expected.keys()].sort())
  for (const [name, contents] of expected)
    expect(Buffer.compare(contents, unpacked.get(name) ?? new Uint8Array())).toBe(0)
  expect(() => unzip(new Uint8Array(100))).toThrow('no zip')
})

/** A process that has ended but was not reaped is no process any more. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
