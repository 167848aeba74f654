import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { startPostgresServer } from '@warmtoken/local'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startLab } from '../lab/lab.ts'
import { artifact, makeNewcomer, type Newcomer } from './newcomer.ts'
import { packAll, ROOT, type Tarballs } from './tarballs.ts'

const EXAMPLES = join(ROOT, 'examples')
const names = readdirSync(EXAMPLES, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
)

/** What the caller of each example gets, as far as it is the same in every run. */
const ANSWERS: Readonly<Record<string, string>> = {
  'handler-upstash': 'Ada Lovelace',
  'middy-dynamodb': 'Ada Lovelace',
  'postgres-store': 'Ada Lovelace',
  'rotating-refresh-token': 'Ada Lovelace',
  'sqlite-store': 'Ada Lovelace',
  'your-own-source': 'sunny',
}

let newcomer: Newcomer
let tarballs: Tarballs
beforeAll(async () => {
  newcomer = makeNewcomer()
  tarballs = await packAll()
})
afterAll(async () => {
  for (const child of running) {
    // They end the servers that they have started in processes of their own.
    const ended = child.exitCode === null ? once(child, 'exit') : undefined
    child.kill('SIGTERM')
    await ended
  }
  newcomer?.remove()
})

const running: ChildProcess[] = []
const SERVE = `const { environment, close } = await (await import('./servers.ts')).startServers()
process.once('SIGTERM', () => close().finally(() => process.exit()))
console.log(JSON.stringify(environment))`

/** Starts the servers of an example in a process of their own, and gives the variables that point at them. */
async function startServers(folder: string): Promise<Readonly<Record<string, string>>> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SERVE], {
    cwd: folder,
    env: newcomer.environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.push(child)
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the servers of ${folder} did not start`)
  })
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])
  return JSON.parse(String(line))
}

/** What PostgreSQL fails to start with where it is not installed. */
function whatIsMissing(): Promise<string> {
  return startPostgresServer().then(
    (server) => server.close().then(() => ''),
    (error: Error) => error.message,
  )
}

it('each example is expected here', () => {
  expect(names.toSorted()).toEqual(Object.keys(ANSWERS).toSorted())
})

describe.each(names)('examples/%s, from tarballs in an empty folder with an empty home', (name) => {
  let folder = ''
  let missing = ''
  beforeAll(async () => {
    if (name === 'postgres-store') missing = await whatIsMissing()
    folder = join(newcomer.home, name)
    cpSync(join(EXAMPLES, name), folder, { recursive: true })
    await newcomer.run(folder, 'npm', 'install', ...globSync(`${tarballs.folder}/*.tgz`))
  })

  beforeEach(({ skip }) => {
    if (missing !== '') skip(missing)
  })

  it('passes its own tests', async () => {
    const output = await newcomer.run(folder, 'npm', 'test')
    expect(output).toMatch(/^ℹ fail 0$/m)
    expect(Number(/^ℹ pass (\d+)$/m.exec(output)?.[1])).toBeGreaterThanOrEqual(2)
  })

  it('has types that fit the published ones', async () => {
    expect(await newcomer.run(folder, join(ROOT, 'node_modules/.bin/tsc'), '-p', '.')).toBe('')
  })

  it('answers through the Lambda runtime what a caller can read, from a bundle that holds no secret', async () => {
    await newcomer.run(folder, 'npm', 'run', 'bundle')
    const environment = await startServers(folder)
    const bundle = artifact(join(folder, 'dist'))
    const lab = await startLab({ bundle, handler: 'handler.handler', environment })
    try {
      const first = lab.environment()
      for (const _call of ['cold', 'warm']) {
        const outcome = await first.invoke()
        expect(outcome).toMatchObject({
          status: 'answered',
          result: { statusCode: 200, body: expect.stringContaining(ANSWERS[name] ?? '') },
        })
      }
      expect(lab.output()).not.toContain('only-for-local-runs')
    } finally {
      await lab.close()
    }
  })

  it('has a README that fits a screen and links only to its files', () => {
    const readme = readFileSync(join(EXAMPLES, name, 'README.md'), 'utf8')
    expect(readme.split('\n').length).toBeLessThan(45)
    for (const file of globSync('*.ts', { cwd: join(EXAMPLES, name) })) expect(readme).toContain(`](${file})`)
  })
})
