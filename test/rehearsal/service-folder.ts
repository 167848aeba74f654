import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Copied: what a rehearsal changes, and what goes into the artifacts, so that edits meanwhile do not. */
const COPIED = [
  'serverless.yml',
  'serverless.live.yml',
  'functions/*.ts',
  'functions/{accounts,live}/*.ts',
  'infra/resources/*.yml',
  'packages/*/src',
  'packages/*/package.json',
]
/** Linked: what it only reads. */
const LINKED = [
  'package.json',
  'node_modules',
  'packages/*/node_modules',
  'functions/package.json',
  'functions/node_modules/[!@]*',
  'functions/node_modules/@!(warmtoken)',
  'infra/node_modules',
  'infra/package.json',
  'infra/*.ts',
]

/** The service in a folder of its own: what is built there is in nobody's way, and files can be changed. */
export interface ServiceFolder {
  readonly path: string
  /** An empty home, so that no profile or login of the machine is used. */
  readonly home: string
  /** Replaces a text in a file. Throws when it is not there exactly once, for then the change would be another. */
  edit(file: string, from: string, to: string): void
  remove(): void
}

/** Makes the folder below the system's temporary one. */
export function makeServiceFolder(): ServiceFolder {
  const folder = mkdtempSync(join(tmpdir(), 'warmtoken-rehearsal-'))
  const [path, home] = [join(folder, 'service'), join(folder, 'home')]
  mkdirSync(home)
  const place = (patterns: readonly string[], put: (from: string, to: string) => void): void => {
    for (const name of globSync([...patterns], { cwd: ROOT })) {
      mkdirSync(dirname(join(path, name)), { recursive: true })
      put(join(ROOT, name), join(path, name))
    }
  }
  place(COPIED, (from, to) => cpSync(from, to, { recursive: true }))
  place(LINKED, symlinkSync)
  linkPackages(path)
  return {
    path,
    home,
    edit: (file, from, to) => {
      const parts = readFileSync(join(path, file), 'utf8').split(from)
      if (parts.length !== 2) throw new Error(`${file} does not hold ${JSON.stringify(from)} exactly once`)
      writeFileSync(join(path, file), parts.join(to))
    },
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }),
  }
}

/** The functions of the copy use the packages of the copy. */
function linkPackages(path: string): void {
  const scope = join(path, 'functions/node_modules/@warmtoken')
  mkdirSync(scope, { recursive: true })
  for (const name of readdirSync(join(path, 'packages'))) symlinkSync(join(path, 'packages', name), join(scope, name))
}
