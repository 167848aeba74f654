import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { CommanderError, InvalidArgumentError } from 'commander'
import { describe, expect, test } from 'vitest'
import { parseFault } from './parse-fault.ts'
import { createProgram } from './program.ts'

/** Reads a command line in this process. Nothing is started: what would be is only named. */
async function read(argv: readonly string[]): Promise<{ readonly started: string[]; readonly printed: string }> {
  const started: string[] = []
  let printed = ''
  const program = createProgram(async (name) => void started.push(name))
  for (const command of [program, ...program.commands]) {
    command.configureOutput({ writeOut: (text) => (printed += text), outputError: () => {} })
  }
  await program.parseAsync([...argv], { from: 'user' }).catch((error: unknown) => {
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error
  })
  return { started, printed }
}

/** Starts the real program. */
function start(...argv: readonly (string | { readonly preload: string })[]) {
  const program = fileURLToPath(new URL('../cli.ts', import.meta.url))
  const args = argv.filter((arg) => typeof arg === 'string')
  const preloads = argv.flatMap((arg) => (typeof arg === 'string' ? [] : ['--import', arg.preload]))
  const child = spawn(process.execPath, [...preloads, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
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
    [['nothing'], "unknown command 'nothing'"],
    [['toString'], "unknown command 'toString'"],
    [['dynamo'], '(Did you mean dynamodb?)'],
    [['s3', '--prot', '1'], "unknown option '--prot'\n(Did you mean --port?)"],
    [['s3', 'extra'], "too many arguments for 's3'"],
    [['s3', '--port'], "option '--port <n>' argument missing"],
    [['s3', '--port', 'x'], "'--port <n>' argument 'x' is invalid. It must be a whole number from 0 to 65535."],
    [['s3', '--port', '70000'], '--port'],
    [['s3', '--port', ''], '--port'],
    [['s3', '--bucket', ''], 'It must not be empty.'],
    [['s3', '--ignore-conditions=yes'], '--ignore-conditions'],
    [['upstash', '--redis-port', '0'], '--redis-port'],
    [['upstash', '--token', ''], '--token'],
    [['issuer', '--token-lifetime', '0'], '--token-lifetime'],
    [
      ['issuer', '--client', 'crm'],
      'option --client <id:secret> is invalid. It must be the id, a colon and the secret.',
    ],
    [['api'], "required option '--issuer <url>' not specified"],
    [['faults'], '--target'],
    [['faults', '--target', 'ftp://x'], '--target'],
    [['faults', '--target', 'http://x', '--fault', 'explode:after:1'], "argument 'explode:after:1' is invalid"],
    [['faults', '--target', 'http://x', '--fault', 'reset:after:0.6', '--fault', 'hang:before:0.6'], '--fault'],
    [['faults', '--target', 'http://x', '--seed', '-1'], '--seed'],
  ])('%j names what is wrong', async (argv, expected) => {
    const error: unknown = await read(argv).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(CommanderError)
    expect(error).toMatchObject({ exitCode: 1, message: expect.stringContaining(expected) })
  })

  test('never repeat what may be a secret', async () => {
    const error: unknown = await read(['issuer', '--client', 'marked-secret']).catch((reason: unknown) => reason)
    expect(String(error)).not.toContain('marked-secret')
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
    expect(() => parseFault(text)).toThrow(InvalidArgumentError)
  })

  test.each([
    [['s3', '--port', 'x'], '--port'],
    [['nothing'], "warmtoken-local: unknown command 'nothing'"],
    [[], 'Name a server to start, or --help'],
  ])('%j end the program with 2 and go to standard error', async (argv, expected) => {
    const { child, output, closed } = start(...argv)
    await closed
    expect([child.exitCode, output.out]).toEqual([2, ''])
    expect(output.err).toContain(expected)
    expect(output.err.trim().split('\n').at(-1)).toBe('Try warmtoken-local --help')
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
  [['--help'], 'faults [options]'],
  [['help'], 'issuer [options]'],
  [['s3', '--help'], '--ignore-conditions'],
  [['help', 'faults'], '--fault <spec>'],
])('%j prints help and starts nothing', async (argv, expected) => {
  expect(await read(argv)).toEqual({ started: [], printed: expect.stringContaining(expected) })
})

test('help loads no server, and ends the program with 0', async () => {
  const loading = fileURLToPath(new URL('./loaded-modules.test-process.ts', import.meta.url))
  const { child, output, closed } = start('--help', { preload: loading })
  await closed
  expect([child.exitCode, output.err]).toEqual([0, expect.stringContaining('cli/program.ts')])
  expect(output.err).not.toMatch(/dynalite|oidc-provider|wasmoon|src\/(s3|upstash|dynamodb|issuer)/)
})

test.each([
  [['dynamodb', '--table', 'tokens'], 'AWS_ENDPOINT_URL_DYNAMODB'],
  [['s3', '--bucket', 'tokens'], 'AWS_ENDPOINT_URL_S3'],
  [['upstash', '--token', 'secret'], 'UPSTASH_REDIS_REST_TOKEN=secret'],
  [['issuer', '--client', 'crm:local', '--token-lifetime', '60'], "clientId: 'crm'"],
  [['api', '--issuer', 'http://127.0.0.1:9'], '/contacts answers a bearer token of http://127.0.0.1:9'],
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

test('the issuer gives its client a token that the API takes, and only its client', async () => {
  const issuer = start('issuer', '--client', 'crm:local', '--token-lifetime', '60')
  await expect.poll(() => issuer.output.out, { timeout: 10_000 }).toContain('Ctrl-C')
  const url = /listens at (\S+)/.exec(issuer.output.out)?.[1] ?? ''
  const api = start('api', '--issuer', url)
  await expect.poll(() => api.output.out, { timeout: 10_000 }).toContain('Ctrl-C')
  const contacts = `${/listens at (\S+)/.exec(api.output.out)?.[1]}/contacts`

  const ask = async (secret: string) => {
    const headers = { authorization: `Basic ${btoa(`crm:${secret}`)}` }
    const body = new URLSearchParams({ grant_type: 'client_credentials' })
    return (await fetch(`${url}/token`, { method: 'POST', headers, body })).json() as Promise<Record<string, unknown>>
  }
  expect(await ask('wrong')).toMatchObject({ error: 'invalid_client' })
  const answer = await ask('local')
  expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: 60 })
  expect((await fetch(contacts)).status).toBe(401)
  expect((await fetch(contacts, { headers: { authorization: `Bearer ${answer['access_token']}` } })).status).toBe(200)
  expect(issuer.output.out + api.output.out).not.toContain(String(answer['access_token']))
  for (const { child, closed } of [issuer, api]) {
    child.kill('SIGTERM')
    await closed
    expect(child.exitCode).toBe(0)
  }
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
