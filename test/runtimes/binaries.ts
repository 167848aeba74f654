import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MODULES = fileURLToPath(new URL('node_modules', import.meta.url))

/** The scope of the packages that bring the binary, one for each platform, and where it lies in them. */
const PLACES = {
  bun: ['@oven', 'bin/bun'],
  deno: ['@deno', 'deno'],
  workerd: ['@cloudflare', 'bin/workerd'],
} as const

/** The path of a runtime that npm brought. Throws where it has none for this platform. */
export function binaryOf(name: keyof typeof PLACES): string {
  const [scope, binary] = PLACES[name]
  const siblings = join(dirname(realpathSync(join(MODULES, name))), scope)
  const packages = existsSync(siblings) ? readdirSync(siblings) : []
  const path = packages.map((each) => join(siblings, each, binary)).find((each) => existsSync(each))
  if (path === undefined) throw new Error(`npm has brought no ${name} for ${process.platform} on ${process.arch}`)
  return path
}
