// `pnpm rehearse`: deploys, runs and removes the example without an account, and says what happened.
import {
  type Act,
  deployBroken,
  deployChanged,
  deployFirst,
  deployUnchanged,
  inspect,
  invokeAll,
  removeAll,
  tellInfo,
  withoutRight,
} from './acts.ts'
import { inTheRuntime } from './in-the-runtime.ts'
import { startRehearsal } from './start-rehearsal.ts'

const ACTS: readonly (readonly [string, Act])[] = [
  ['serverless deploy, into an empty account', deployFirst],
  ['the deployed stack: what must hold', inspect],
  ['serverless info', tellInfo],
  ['serverless deploy, unchanged', deployUnchanged],
  ['the role without dynamodb:UpdateItem', withoutRight('UpdateItem')],
  ['the role without dynamodb:GetItem', withoutRight('GetItem')],
  ['the artifacts, under the rights of their role', invokeAll],
  ['the artifacts in the real runtime', inTheRuntime],
  ['serverless deploy, with other code', deployChanged],
  ['serverless deploy, of a template that cannot be', deployBroken],
  ['serverless remove', removeAll],
]

function print(line: string): void {
  void process.stdout.write(`${line}\n`)
}

const rehearsal = await startRehearsal()
print(`CloudFormation, S3, STS, Lambda and ECR are played by ${rehearsal.cloud.url}; the home folder is empty.`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void rehearsal.close().finally(() => process.exit(1)))
}
let passed = 0
try {
  for (const [name, act] of ACTS) {
    const startedAt = performance.now()
    print(`\n== ${name}`)
    for (const line of await act(rehearsal)) print(`   ${line}`)
    print(`   ok, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
    passed += 1
  }
  print(`\nWhat the commands asked of AWS themselves: ${rehearsal.operations().join(', ')}`)
} catch (error) {
  print(`   FAILED: ${error instanceof Error ? error.message : 'unknown error'}`)
  process.exitCode = 1
} finally {
  await rehearsal.close()
}
print(`\n${passed} of ${ACTS.length} acts passed. docs/deploy.md says what this cannot show.`)
