import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const SCRIPTS = fileURLToPath(new URL('../../scripts/', import.meta.url))
let folder = ''

/** A machine without apt and without servers, but with what a shell script needs, and a `vitest` that ends like this. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warmtoken-scripts-'))
  await mkdir(join(folder, 'scripts'))
  await mkdir(join(folder, 'bin'))
  for (const name of ['servers.sh', 'test.sh']) await copyFile(join(SCRIPTS, name), join(folder, 'scripts', name))
  for (const name of ['sh', 'id', 'dirname', 'grep']) {
    const { stdout } = await promisify(execFile)('sh', ['-c', `command -v ${name}`])
    await symlink(stdout.trim(), join(folder, 'bin', name))
  }
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function pretend(name: string, says: string, code: number): Promise<void> {
  await writeFile(join(folder, 'bin', name), `#!/bin/sh\necho "${says}"\nexit ${code}\n`, { mode: 0o755 })
}

/** Every server that the script looks for. */
async function pretendServers(): Promise<void> {
  for (const name of ['redis-server', 'chromium-headless-shell', 'initdb', 'postgres']) await pretend(name, '', 0)
}

async function run(script: string, ...args: readonly string[]) {
  const options = { cwd: folder, env: { PATH: join(folder, 'bin') } }
  return promisify(execFile)(join(folder, 'bin/sh'), [join(folder, 'scripts', script), ...args], options).then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    (error: { code?: number; stdout?: string; stderr?: string }) => ({
      code: error.code ?? -1,
      text: `${error.stdout}${error.stderr}`,
    }),
  )
}

describe('scripts/servers.sh', () => {
  it('says what is missing and how to get it, where there is no apt', async () => {
    const { code, text } = await run('servers.sh')
    expect(code).toBe(1)
    expect(text).toContain('MISSING: redis-server')
    expect(text).toContain('sudo apt-get install redis-server')
  })

  it('does nothing where the servers are here', async () => {
    await pretendServers()
    expect(await run('servers.sh')).toEqual({ code: 0, text: 'servers.sh: all servers are here\n' })
  })
})

describe('pnpm test', () => {
  it('runs the tests, and ends with an error, where a server is missing', async () => {
    await pretend('vitest', 'vitest $*', 0)
    const { code, text } = await run('test.sh', 'test/stores')
    expect(code).toBe(1)
    expect(text).toContain('vitest run test/stores')
    expect(text).toContain('not every test ran')
  })

  it.each([0, 1])('ends with %i as the tests do, where nothing is missing', async (code) => {
    await pretendServers()
    await pretend('vitest', 'ran', code)
    expect((await run('test.sh')).code).toBe(code)
  })
})
