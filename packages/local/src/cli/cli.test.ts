import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseCommandLine } from './parse-command-line.ts'
import { parseFault } from './parse-fault.ts'
import { UsageError } from './usage-error.ts'

const environment = { DYNOXIDE_BIN: undefined }

function start(...args: readonly string[]) {
  const program = fileURLToPath(new URL('../cli.ts', import.meta.url))
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { out: '', err: '' }
  child.stdout.on('data', (piece: Buffer) => {
    output.out += piece.toString()
  })
  child.stderr.on('data', (piece: Buffer) => {
    output.err += piece.toString()
  })
  return { child, output, closed: once(child, 'close') }
}

describe('bad arguments', () => {
  test.each([
    [[], '--help'],
    [['nothing'], 'Unknown server "nothing"'],
    [['toString'], 'Unknown server "toString"'],
    [['s3', '--prot', '1'], '--prot'],
    [['s3', 'extra'], 'extra'],
    [['s3', '--port'], '--port'],
    [['s3', '--port', 'x'], '--port must be a whole number from 0 to 65535, not "x"'],
    [['s3', '--port', '70000'], '--port'],
    [['s3', '--ignore-conditions=yes'], '--ignore-conditions'],
    [['upstash', '--redis-port', '0'], '--redis-port'],
    [['upstash', '--token', ''], '--token'],
    [['faults'], '--target'],
    [['faults', '--target', 'ftp://x'], '--target'],
    [['faults', '--target', 'http://x', '--fault', 'explode:after:1'], '--fault "explode:after:1"'],
    [['faults', '--target', 'http://x', '--fault', 'reset:after:0.6', '--fault', 'hang:before:0.6'], '--fault'],
    [['faults', '--target', 'http://x', '--seed', '-1'], '--seed'],
  ])('%j names what is wrong', (argv, expected) => {
    expect(() => parseCommandLine(argv, environment)).toThrow(UsageError)
    expect(() => parseCommandLine(argv, environment)).toThrow(expected)
  })

  test.each([
    'reset',
    'reset:during:1',
    'reset:after:2',
    'reset:after:',
    'reset:after:1:5',
    'status:after:1',
    'status:after:1:x',
    'latency:after:1:-1',
    'hang:after:1:1:1',
  ])('the fault %s is refused', (text) => {
    expect(() => parseFault(text)).toThrow(UsageError)
  })

  test('end the program with 2 and go to standard error', async () => {
    const { child, output, closed } = start('s3', '--port', 'x')
    await closed
    expect([child.exitCode, output.out]).toEqual([2, ''])
    expect(output.err).toContain('--port')
  })
})

test('faults are read from text', () => {
  expect(parseFault('reset:after:0.05')).toEqual({ fault: { kind: 'reset', when: 'after' }, probability: 0.05 })
  const status = { fault: { kind: 'status', when: 'before', status: 503 }, probability: 1 }
  expect(parseFault('status:before:1:503')).toEqual(status)
  const latency = { fault: { kind: 'latency', when: 'after', ms: 200 }, probability: 0.5 }
  expect(parseFault('latency:after:0.5:200')).toEqual(latency)
})

test.each([
  [['--help'], 'faults'],
  [['s3', '--help'], '--ignore-conditions'],
  [['faults', '--help'], '--fault SPEC'],
])('%j prints help', (argv, expected) => {
  expect(parseCommandLine(argv, environment)).toEqual({ kind: 'help', text: expect.stringContaining(expected) })
})

test.each([
  [['dynamodb', '--table', 'tokens'], 'AWS_ENDPOINT_URL_DYNAMODB'],
  [['s3', '--bucket', 'tokens'], 'AWS_ENDPOINT_URL_S3'],
  [['upstash', '--token', 'secret'], 'UPSTASH_REDIS_REST_TOKEN=secret'],
  [['faults', '--target', 'http://127.0.0.1:9', '--fault', 'status:before:1:418'], 'in place of http://127.0.0.1:9'],
])('%j prints how to use it, answers, and ends cleanly on Ctrl-C', async (argv, expected) => {
  const { child, output, closed } = start(...argv)
  await expect.poll(() => output.out, { timeout: 10_000 }).toContain('Ctrl-C')
  expect(output.out).toContain(expected)
  const url = /listens at (\S+)/.exec(output.out)?.[1] ?? ''
  expect((await fetch(url)).status).toBeGreaterThanOrEqual(200)
  child.kill('SIGINT')
  await closed
  expect([child.exitCode, output.err]).toEqual([0, ''])
})

test('a port that is taken ends the program with 1', async () => {
  const first = start('s3')
  await expect.poll(() => first.output.out, { timeout: 10_000 }).toContain('Ctrl-C')
  const port = /:(\d+)/.exec(first.output.out)?.[1] ?? ''
  const second = start('s3', '--port', port)
  await second.closed
  expect([second.child.exitCode, second.output.err]).toEqual([1, expect.stringContaining('EADDRINUSE')])
  first.child.kill('SIGTERM')
  await first.closed
  expect(first.child.exitCode).toBe(0)
})
