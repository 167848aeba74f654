// Runs before every script, and installs what it needs if that is not there yet.
//   node scripts/ready.mjs       everything: tests, checks, benchmarks
//   node scripts/ready.mjs dev   the example functions and what they run with, about half of it
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const STAMP = `${ROOT}node_modules/.warmtoken-ready`
/** Dependencies without the development ones, of the root, of the functions, of `infra`, and of what these two use. */
const DEV = [
  '--prod',
  '--filter',
  'warmtoken',
  '--filter',
  '@warmtoken/functions...',
  '--filter',
  '@warmtoken/infra...',
]

const everything = process.argv[2] !== 'dev' || read('node_modules/.modules.yaml').includes('"devDependencies": true')
const wanted = `${everything ? 'everything' : 'dev'} ${hash(read('pnpm-lock.yaml'))}`
if (read('node_modules/.warmtoken-ready') !== wanted) install(everything ? [] : DEV)

function install(args) {
  const status = pnpm('install', '--frozen-lockfile', ...args)
  if (status !== 0 || !existsSync(`${ROOT}node_modules/.bin/node`)) {
    console.error(
      'warmtoken: the install did not finish. Look at the lines above, then run: npx -y pnpm@12.21.0 install',
    )
    process.exit(1)
  }
  writeFileSync(STAMP, wanted)
}

/** Runs pnpm: the one that runs this script, or the one the README names. */
function pnpm(...args) {
  const own = process.env.npm_execpath ?? ''
  const [command, ...before] = !own.includes('pnpm')
    ? ['npx', '-y', 'pnpm@12.21.0']
    : /\.[cm]?js$/.test(own)
      ? [process.execPath, own]
      : [own]
  // Without a question: going from the smaller install to the larger one replaces node_modules.
  const environment = { ...process.env, CI: 'true' }
  return spawnSync(command, [...before, ...args], { cwd: ROOT, env: environment, stdio: 'inherit' }).status
}

function read(path) {
  return existsSync(ROOT + path) ? readFileSync(ROOT + path, 'utf8') : ''
}

function hash(text) {
  return createHash('sha256').update(text).digest('hex')
}
