import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))
const PACKED = join(ROOT, 'test/node_modules/.warmtoken-tarballs')
const LOCK = join(ROOT, 'test/node_modules/.warmtoken-build')
/** A build takes seconds. A lock that is older was left by a run that was killed. In ms. */
const STALE = 240_000
const POLL = 50
const run = promisify(execFile)

/** The part of a package's manifest that the tests look at. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly publishConfig?: { readonly exports?: Manifest['exports'] }
}

/** The folders of the packages that are published. */
export const folders: readonly string[] = globSync('packages/*/package.json', { cwd: ROOT })
  .map((path) => dirname(path))
  .filter((folder) => manifestOf(folder).private !== true)
  .sort()

export function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest
}

/** Tarballs of all packages, as they would be published. */
export interface Tarballs {
  /** Where they are. Test files share it, so copy what you want to change. */
  readonly folder: string
  /** The path of one, by the package's folder in the repository. */
  of(folder: string): string
}

/** Builds and packs all packages. Test files that ask for the same sources share one folder of tarballs. */
export async function packAll(): Promise<Tarballs> {
  const folder = join(PACKED, hashOfSources())
  // Test files run side by side, and two builds would write the same files.
  await locked(async () => {
    if (existsSync(folder)) return
    await run(join(ROOT, 'node_modules/.bin/tsc'), ['-b', ...folders], { cwd: ROOT })
    rmSync(PACKED, { recursive: true, force: true })
    await pnpm('--recursive', '--filter', './packages/*', 'pack', '--pack-destination', `${folder}.part`)
    renameSync(`${folder}.part`, folder)
  })
  return {
    folder,
    of(packageFolder) {
      const name = manifestOf(packageFolder).name.replace('@', '').replace('/', '-')
      const [archive = ''] = globSync(`${name}-[0-9]*.tgz`, { cwd: folder })
      return join(folder, archive)
    },
  }
}

/** Changes with every file from which a tarball is made. */
function hashOfSources(): string {
  const hash = createHash('sha256')
  const exclude = (name: string): boolean => /(^|\/)(node_modules|dist)$/.test(name)
  for (const path of globSync('packages/**', { cwd: ROOT, exclude }).sort()) {
    const file = join(ROOT, path)
    if (statSync(file).isFile()) hash.update(path).update(readFileSync(file))
  }
  return hash.digest('hex')
}

async function locked(work: () => Promise<void>): Promise<void> {
  mkdirSync(dirname(LOCK), { recursive: true })
  while (!take()) await sleep(POLL)
  try {
    await work()
  } finally {
    rmSync(LOCK, { recursive: true, force: true })
  }
}

function take(): boolean {
  try {
    mkdirSync(LOCK)
    return true
  } catch {
    const since = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - since > STALE) rmSync(LOCK, { recursive: true, force: true })
    return false
  }
}

/** Runs pnpm: the one that runs this script, or the one the README names. */
function pnpm(...args: readonly string[]): Promise<unknown> {
  const own = process.env['npm_execpath']
  const options = { cwd: ROOT, shell: false }
  if (own?.includes('pnpm') !== true) return run('npx', ['-y', 'pnpm@12.21.0', ...args], options)
  return /\.[cm]?js$/.test(own) ? run(process.execPath, [own, ...args], options) : run(own, [...args], options)
}
