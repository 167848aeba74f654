import { chmod, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { startChildServer } from './child-server.ts'
import { makeServerFolder, otherUser } from './other-user.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of open.splice(0).reverse()) await close()
})

/** Starts a program that writes down who it runs as; resolves to that user's number. */
async function userOf(neverAsRoot: boolean): Promise<number> {
  const { path, remove } = await makeServerFolder('user', { neverAsRoot })
  open.push(remove)
  const file = join(path, 'user')
  const child = await startChildServer({
    binary: 'sh',
    args: ['-c', `id -u > '${file}.part' && mv '${file}.part' '${file}' && exec sleep 60`],
    cwd: path,
    neverAsRoot,
    whenMissing: 'sh is missing',
    answers: () => stat(file).then(() => true),
  })
  open.push(child.stop)
  return Number(await readFile(file, 'utf8'))
}

describe('a server in a child process', () => {
  it('runs as this user', async () => {
    expect(await userOf(false)).toBe(process.getuid?.())
  })

  it('runs as nobody, in a folder of its own, when it refuses root and this process is root', async () => {
    const expected = otherUser()?.uid ?? process.getuid?.()
    expect(expected).not.toBe(0)
    expect(await userOf(true)).toBe(expected)
  })

  it('says what is missing when the program is not there', async () => {
    const settings = { args: [], whenMissing: 'install it by …', answers: async () => false }
    await expect(startChildServer({ ...settings, binary: '/nonexistent/server' })).rejects.toThrow('install it by …')
  })

  it('tells its last words when it ends on its own', async () => {
    const args = ['-c', 'echo cannot do that; exit 3']
    const settings = { args, whenMissing: '', answers: async () => false }
    await expect(startChildServer({ ...settings, binary: 'sh' })).rejects.toThrow(
      'sh ended with code 3: cannot do that',
    )
  })
})

describe('the folder of a server', () => {
  it('can be reached by the user that the server runs as, though TMPDIR is closed to others', async () => {
    const { path: closed, remove } = await makeServerFolder('closed')
    open.push(remove)
    vi.stubEnv('TMPDIR', closed)
    expect(await userOf(true)).toBe(otherUser()?.uid ?? process.getuid?.())
  })

  it('is removed with all in it', async () => {
    const { path, remove } = await makeServerFolder('gone')
    await chmod(path, 0o700)
    await remove()
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })
})
