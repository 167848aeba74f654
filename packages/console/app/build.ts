/** Builds the page into `packages/console/dist/built.js`, once for each state of its sources. `node app/build.ts` */

import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

const APP = fileURLToPath(new URL('.', import.meta.url))
const OUT = fileURLToPath(new URL('../dist/', import.meta.url))
const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Builds the page unless it is built already. Safe to call in several processes at once. */
export async function ensureBuilt(): Promise<void> {
  const stamp = hashOfSources()
  if (existsSync(`${OUT}built.js`) && existsSync(`${OUT}.stamp`) && readFileSync(`${OUT}.stamp`, 'utf8') === stamp)
    return
  const files = await buildPage()
  mkdirSync(OUT, { recursive: true })
  // Renamed into place: another process may be reading.
  write('built.js', `export const files = ${JSON.stringify(Object.fromEntries(files))}\n`)
  write('.stamp', stamp)
}

/** The files of the page by name. */
export async function buildPage(): Promise<ReadonlyMap<string, { readonly type: string; readonly text: string }>> {
  const { build } = await import('vite')
  const built = await build({
    configFile: `${APP}vite.config.ts`,
    configLoader: 'native',
    logLevel: 'warn',
    build: { write: false },
  })
  const outputs = [built].flat().flatMap((one) => ('output' in one ? one.output : []))
  return new Map(
    outputs.map((one) => {
      const text = one.type === 'chunk' ? one.code : textOf(one.source)
      return [one.fileName, { type: typeOf(one.fileName), text }] as const
    }),
  )
}

function typeOf(name: string): string {
  const type = TYPES[extname(name)]
  if (type === undefined) throw new Error(`the page has a file of unknown type: ${name}`)
  return type
}

function textOf(source: string | Uint8Array): string {
  return typeof source === 'string' ? source : Buffer.from(source).toString()
}

function hashOfSources(): string {
  const hash = createHash('sha256')
  for (const path of [
    'index.html',
    'package.json',
    'build.ts',
    'vite.config.ts',
    ...globSync('src/**/*.*', { cwd: APP }).sort(),
  ])
    hash.update(path).update(readFileSync(APP + path))
  return hash.digest('hex')
}

function write(name: string, text: string): void {
  const part = `${OUT}${name}.${process.pid}`
  writeFileSync(part, text)
  renameSync(part, OUT + name)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await ensureBuilt()
