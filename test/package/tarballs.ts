import { execFile } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))
const LOCK = join(ROOT, 'test/node_modules/.warmtoken-build')
/** A build takes seconds. A lock that is older was left by a run that was killed. In ms. */
const STALE = 120_000
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
  /** Where they are. */
  readonly folder: string
  /** The path of one, by the package's folder in the repository. */
  of(folder: string): string
  remove(): void
}

/** Builds and packs all packages into a temporary folder. */
export async function packAll(): Promise<Tarballs> {
  const target = mkdtempSync(join(tmpdir(), 'warmtoken-pack-'))
  // Test files run side by side, and two builds would write the same files.
  await locked(async () => {
    await run(join(ROOT, 'node_modules/.bin/tsc'), ['-b', ...folders], { cwd: ROOT })
    for (const folder of folders) await pnpm(folder, 'pack', '--pack-destination', target)
  })
  return {
    folder: target,
    of(folder) {
      const name = manifestOf(folder).name.replace('@', '').replace('/', '-')
      const [archive = ''] = globSync(`${name}-[0-9]*.tgz`, { cwd: target })
      return join(target, archive)
    },
    remove: () => rmSync(target, { recursive: true, force: true }),
  }
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
function pnpm(folder: string, ...args: readonly string[]): Promise<unknown> {
  const own = process.env['npm_execpath']
  const options = { cwd: join(ROOT, folder), shell: false }
  if (own?.includes('pnpm') !== true) return run('npx', ['-y', 'pnpm@12.21.0', ...args], options)
  return /\.[cm]?js$/.test(own) ? run(process.execPath, [own, ...args], options) : run(own, [...args], options)
}
