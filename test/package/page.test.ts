import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { freePort } from '@warmtoken/infra/free-port'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../lab/lab.ts'
import { unzip } from '../lab/unzip.ts'
import { artifact, makeNewcomer, type Newcomer } from './newcomer.ts'
import { packAll, ROOT, type Tarballs } from './tarballs.ts'

const page = readFileSync(join(ROOT, 'docs/use-in-your-project.md'), 'utf8')
/** How long a block of commands may take, in ms. */
const BOUND = 110_000

/** A code block of the page: commands to run, text that they print, or a file whose first line says its name. */
interface Block {
  readonly heading: string
  readonly language: string
  readonly code: string
}

const blocks: readonly Block[] = page.split(/^## /m).flatMap((section) => {
  const heading = section.slice(0, section.indexOf('\n'))
  return [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map(([, language = '', code = '']) => ({
    heading,
    language,
    code,
  }))
})
const blocksUnder = (heading: string): readonly Block[] => blocks.filter((block) => block.heading === heading)

/** One bash for the whole page, as a reader has it: what is exported in one block is there in the next. */
interface Terminal {
  /** Runs a block, and gives all that was printed meanwhile. Rejects when a command fails. */
  run(code: string): Promise<string>
  /** Resolves when this has been printed so many times. */
  printed(text: string, times: number): Promise<void>
  close(): void
}

function openTerminal(newcomer: Newcomer): Terminal {
  const shell: ChildProcessWithoutNullStreams = spawn('bash', ['-e'], {
    cwd: newcomer.home,
    env: newcomer.environment,
    // A group of its own, so that the servers end with it.
    detached: true,
  })
  let output = ''
  let made = 0
  for (const stream of [shell.stdout, shell.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const holds = (condition: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${why}\n${output}`))
      const alarm = setTimeout(() => fail(`no end within ${BOUND} ms`), BOUND)
      const look = (): void => {
        if (!condition()) return
        clearTimeout(alarm)
        resolve()
      }
      for (const stream of [shell.stdout, shell.stderr]) stream.on('data', look)
      shell.once('exit', () => fail('a command failed'))
      look()
    })
  return {
    async run(code) {
      made += 1
      const [start, end] = [output.length, `end-of-block-${made}`]
      // The commands must not read the rest of the script, which comes by the same pipe.
      shell.stdin.write(`{\n${code}\n} < /dev/null\necho ${end}\n`)
      await holds(() => output.includes(end))
      return output.slice(start)
    },
    printed: (text, times) => holds(() => output.split(text).length > times),
    close() {
      try {
        if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGKILL')
      } catch {
        // It has ended already.
      }
    },
  }
}

let newcomer: Newcomer
let tarballs: Tarballs
let terminal: Terminal
let folder = ''
/** The ports of the page, and free ones to take in their place: another program may run here as well. */
const ports = new Map<string, string>()

beforeAll(async () => {
  newcomer = makeNewcomer()
  tarballs = await packAll()
  mkdirSync(join(newcomer.home, 'warmtoken'))
  cpSync(tarballs.folder, join(newcomer.home, 'warmtoken/tarballs'), { recursive: true })
  for (const port of ['9000', '9001', '9002']) ports.set(port, String(await freePort(0)))
  folder = join(newcomer.home, 'contacts')
  terminal = openTerminal(newcomer)
})
afterAll(() => {
  terminal?.close()
  newcomer?.remove()
})

/** Does with a block what a reader does with it. */
async function follow({ language, code }: Block, before: string): Promise<string> {
  const text = code.replaceAll(/\b900[012]\b/g, (port) => ports.get(port) ?? port)
  if (language === 'text') {
    for (const line of text.trim().split('\n')) expect(before).toContain(line)
    return before
  }
  if (language === 'sh') {
    const output = await terminal.run(text)
    const servers = text.match(/^npx warmtoken-local .*&$/gm)?.length ?? 0
    if (servers > 0) await terminal.printed('Ctrl-C ends it.', servers)
    return output
  }
  const [, name = ''] = /^(?:\/\/|#) (\S+)\n/.exec(text) ?? []
  expect(name).not.toBe('')
  writeFileSync(join(folder, name), text)
  return before
}

async function followAll(heading: string): Promise<void> {
  let output = ''
  for (const block of blocksUnder(heading)) output = await follow(block, output)
}

function variables(): Readonly<Record<string, string>> {
  const url = (port: string): string => `http://127.0.0.1:${ports.get(port)}`
  return {
    TOKEN_TABLE: 'tokens',
    ISSUER: url('9000'),
    CLIENT_ID: 'local',
    CLIENT_SECRET: 'local-secret',
    API_URL: url('9001'),
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: url('9002'),
  }
}

// The tests follow each other down the page, as a reader does.
describe('docs/use-in-your-project.md, followed to the letter from tarballs with an empty home', () => {
  it('packs by a command that the repository has', () => {
    const [block] = blocksUnder('Before the packages are published')
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    expect(block?.code).toBe('cd ~/warmtoken\nnpx -y pnpm@12.21.0 tarballs\n')
    expect(scripts.tarballs).toContain('--filter \'./packages/*\' pack --pack-destination "$PWD/tarballs"')
  })

  it('comes from an empty folder to a cached token within 20 lines and 5 minutes', async () => {
    const start = performance.now()
    await followAll('Your function')
    expect(performance.now() - start).toBeLessThan(300_000)
    const source = blocksUnder('Your function').find(({ language }) => language === 'ts')?.code ?? ''
    expect(source.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(20)
  })

  it('bundles by esbuild, serverless-esbuild, webpack and rollup', { timeout: 300_000 }, async () => {
    await followAll('Bundlers')
  })

  it.each([
    ['esbuild', 'dist', 'contacts.handler'],
    ['esbuild as CommonJS', 'dist-cjs', 'contacts.handler'],
    ['serverless-esbuild', '.serverless/contacts.zip', 'contacts.handler'],
    ['webpack', 'dist-webpack', 'contacts.handler'],
    ['rollup', 'dist-rollup', 'contacts.handler'],
  ])('the bundle of %s answers through the Lambda runtime, cold and warm', async (_bundler, path, handler) => {
    const file = join(folder, path)
    const bundle = path.endsWith('.zip') ? unzip(readFileSync(file)) : artifact(file)
    // A table of its own would be new to the token; a namespace of files is enough to load the way to the table.
    const lab = await startLab({ bundle, handler, environment: variables() })
    try {
      const environment = lab.environment()
      for (const _call of ['cold', 'warm']) {
        expect(await environment.invoke()).toMatchObject({
          status: 'answered',
          result: { statusCode: 200, body: expect.stringContaining('Ada Lovelace') },
        })
      }
    } finally {
      await lab.close()
    }
  })

  it.each([
    ['module', 'nodenext', 'nodenext', ''],
    ['module', 'node16', 'node16', ''],
    ['module', 'esnext', 'bundler', ''],
    ['module', 'preserve', 'bundler', ''],
    ['module', 'commonjs', 'node10', 'TS2307: Cannot find module'],
    ['commonjs', 'nodenext', 'nodenext', ''],
    ['commonjs', 'preserve', 'bundler', ''],
    ['commonjs', 'node16', 'node16', 'TS1479: The current file is a CommonJS module'],
    ['commonjs', 'commonjs', 'node10', 'TS2307: Cannot find module'],
  ])(
    '"type": "%s", module %s and resolution %s compile as the page says',
    async (type, module, resolution, message) => {
      await newcomer.run(folder, 'npm', 'pkg', 'set', `type=${type}`)
      const settings = ['--module', module, '--moduleResolution', resolution, '--types', 'node', '--target', 'es2022']
      // As a newcomer has TypeScript, in the version that still knows the oldest setting.
      const compile = newcomer.run(folder, 'npx', 'tsc', '--noEmit', '--strict', ...settings, 'contacts.ts')
      const output = await compile.catch((error: Error) => error.message)
      await newcomer.run(folder, 'npm', 'pkg', 'set', 'type=module')
      if (message === '') expect(output).toBe('')
      else {
        expect(output).toContain(message)
        expect(page).toContain(`\`${message}`)
      }
    },
  )

  it('names the message of TypeScript 7 for the oldest setting', async () => {
    const tsc = createRequire(join(ROOT, 'package.json'))
      .resolve('typescript/package.json')
      .replace('package.json', 'bin/tsc')
    const compile = newcomer.run(
      folder,
      process.execPath,
      tsc,
      '--ignoreConfig',
      '--moduleResolution',
      'node10',
      'contacts.ts',
    )
    const { message }: Error = await compile.then(
      () => new Error('compiled'),
      (error: Error) => error,
    )
    expect(message).toContain("TS5108: Option 'moduleResolution=node10' has been removed")
    expect(page).toContain("`TS5108: Option 'moduleResolution=node10' has been removed`")
  })

  it('names what npm says of a tarball that npm packed itself, and of one that comes alone', async () => {
    const packed = join(newcomer.home, 'packed-by-npm')
    for (const name of [packed, join(newcomer.home, 'empty')]) mkdirSync(name)
    await newcomer.run(
      join(ROOT, 'packages/adapters-aws'),
      'npm',
      'pack',
      '--ignore-scripts',
      '--pack-destination',
      packed,
    )
    const install = newcomer.run(
      join(newcomer.home, 'empty'),
      'npm',
      'install',
      join(packed, 'warmtoken-adapters-aws-0.1.0.tgz'),
    )
    await expect(install).rejects.toThrow('Unsupported URL Type "workspace:"')
    expect(page).toContain('`Unsupported URL Type "workspace:"`')
  })
})
