/** `pnpm lab [--environments N] [--only TEXT]`: plays the scenarios and prints what happened. */
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { scenarios } from './scenarios/all.ts'
import { play } from './stage.ts'

const MOST = 200
const usage = `pnpm lab [--environments N] [--only TEXT]
  --environments N  how many environments the cold burst has, 1 to ${MOST} (default 30); about 60 MB of memory each
  --only TEXT       plays the scenarios whose title contains this text`

function fail(message: string): never {
  console.error(`${message}\n\n${usage}`)
  process.exit(2)
}

function read(): { environments: number; only: string } {
  try {
    const { values } = parseArgs({
      options: { environments: { type: 'string', default: '30' }, only: { type: 'string', default: '' } },
    })
    const environments = Number(values.environments)
    const fits = Number.isInteger(environments) && environments >= 1 && environments <= MOST
    if (fits) return { environments, only: values.only }
    return fail(`--environments takes a whole number from 1 to ${MOST}, not "${values.environments}"`)
  } catch (error) {
    return fail(error instanceof Error ? error.message : 'wrong arguments')
  }
}

const { environments, only } = read()
const chosen = scenarios.filter(({ title }) => title.includes(only))
if (chosen.length === 0) fail(`no scenario has "${only}" in its title`)
let differing = 0
for (const scenario of chosen) {
  const startedAt = performance.now()
  const { transcript } = await play(scenario, environments)
  const expected = scenario.expects(environments)
  const same = isDeepStrictEqual(transcript, expected)
  if (!same) differing += 1
  const took = ((performance.now() - startedAt) / 1_000).toFixed(1)
  console.log(`\n${same ? 'ok' : 'DIFFERS'}  ${scenario.title} (${took} s)`)
  for (const line of transcript) console.log(`    ${line}`)
  if (!same) console.log('  expected', expected)
}
console.log(`\n${chosen.length - differing} as expected, ${differing} not`)
process.exitCode = differing === 0 ? 0 : 1
