import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const BENCH = fileURLToPath(new URL('../../bench', import.meta.url))
/** Long enough for a slow machine to load the peers, and far too short for a benchmark. */
const PATIENCE = 60_000

function run(script: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=source', `${BENCH}/${script}`, ...args],
    { encoding: 'utf8', timeout: PATIENCE, env: { ...process.env, NODE_NO_WARNINGS: '1' } },
  )
  return { status, stdout, stderr }
}

it.each([
  [['--round', '3'], 'pnpm bench has no --round; it has --rounds, --fleets, --sizes, --quick, --help'],
  [['warm', '--round=3'], 'pnpm bench has no --round; it has --rounds, --fleets, --sizes, --quick, --help'],
  [['warm', '--fleets', '20'], 'pnpm bench has no --fleets; it has --rounds, --quick, --help'],
  [['warm', '--rounds', 'many'], 'pnpm bench wants behind --rounds a number from 1 on'],
  [['warm', '--rounds'], 'pnpm bench wants behind --rounds a number from 1 on'],
  [['stampede', '--fleets', '20,none'], 'pnpm bench wants behind --fleets numbers from 1 on'],
  [
    ['hot'],
    'pnpm bench has no "hot"; it has all, warm, middleware, file, cold, stampede, observe, memory, sessions, data',
  ],
])('pnpm bench refuses %j before anything runs', (args, message) => {
  expect(run('run/all.ts', ...args)).toEqual({ status: 2, stdout: '', stderr: `${message}\n` })
})

it.each([
  ['warm', '--rounds, --help'],
  ['middleware', '--rounds, --help'],
  ['file', '--rounds, --help'],
  ['cold', '--rounds, --help'],
  ['stampede', '--rounds, --fleets, --help'],
  ['observe', '--rounds, --help'],
  ['memory', '--rounds, --sizes, --help'],
  ['sessions', '--rounds, --help'],
  ['data', '--rounds, --help'],
])('pnpm bench %s refuses an unknown flag itself', (name, known) => {
  const stderr = `pnpm bench ${name} has no --round; it has ${known}\n`
  expect(run(`${name}/cli.ts`, '--round', '3')).toEqual({ status: 2, stdout: '', stderr })
})

it.each(['scale', 'behavior'])('pnpm %s, which writes a page too, takes no flag', (name) => {
  const stderr = `pnpm ${name} has no --fast; it has --help\n`
  expect(run(`${name}/cli.ts`, '--fast')).toEqual({ status: 2, stdout: '', stderr })
})

it('tells with --help how it is used, and runs nothing', () => {
  const { status, stdout, stderr } = run('run/all.ts', 'stampede', '--help')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^pnpm bench \[all\] \[warm\].* \[--rounds\] \[--fleets\]/)
  expect(stdout).toContain('--fleets N,…    how many processes ask at once')
})
