import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the workspace. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** Where the project lives, from the one place that says so: `homepage` of the root's package.json. */
export function homepage(): string {
  const { homepage: address } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { homepage: string }
  return address
}

/** What a registry shows of a package, as it follows from the address of the project. */
export function addressesOf(folder: string, address: string = homepage()): Readonly<Record<string, unknown>> {
  return {
    homepage: `${address}/tree/main/${folder}#readme`,
    repository: { type: 'git', url: `git+${address}.git`, directory: folder },
    bugs: `${address}/issues`,
  }
}

/** A package's manifest with the addresses of the project, and with keywords if it had none. */
export function updateManifest(text: string, folder: string, address: string = homepage()): string {
  const { name, version, description, keywords, license, ...rest } = JSON.parse(text) as Record<string, unknown>
  const fallback = ['warmtoken', 'aws-lambda', 'cache', basename(folder)]
  const head = { name, version, description, keywords: keywords ?? fallback, license }
  return `${JSON.stringify({ ...head, ...addressesOf(folder, address), ...without(rest) }, undefined, 2)}\n`
}

function without(rest: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { homepage: _homepage, repository: _repository, bugs: _bugs, ...others } = rest
  return others
}
