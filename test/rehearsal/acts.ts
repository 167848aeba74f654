import type { Outcome } from './artifact/start-environment.ts'
import type { SeenCall } from './cloud/gateway.ts'
import { brokenRules } from './house-rules.ts'
import { roleOf } from './iam/role.ts'
import { callableOf } from './routes.ts'
import { type Rehearsal, STACK } from './start-rehearsal.ts'

/** One act of a rehearsal: throws when it fails, else resolves to what is to be told of it. */
export type Act = (rehearsal: Rehearsal) => Promise<readonly string[]>

const ACCESS = 'infra/resources/token-table-access.yml'
const CHANGES = ['CreateChangeSet', 'ExecuteChangeSet', 'DeleteStack', 'PutObject', 'DeleteObjects', 'PutBucket']

/** Fails the act unless it holds. */
function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}

function counted(calls: readonly SeenCall[]): string {
  const names = [...new Set(calls.map(({ service }) => service))]
  return names.map((name) => `${calls.filter(({ service }) => service === name).length} ${name}`).join(', ')
}

function changesIn(calls: readonly SeenCall[]): readonly string[] {
  return calls.map(({ operation }) => operation).filter((operation) => CHANGES.includes(operation))
}

/** Runs a command that must succeed, and whose every call was played by the stand-in. */
async function succeed(rehearsal: Rehearsal, ...args: readonly string[]) {
  const ended = await rehearsal.run(...args)
  must(ended.code === 0, `serverless ${args.join(' ')} ended with ${ended.code}:\n${ended.output}`)
  const strange = ended.calls.filter(({ status }) => status === 501 || status === 500 || status === 403)
  must(strange.length === 0, `calls that the stand-in does not play: ${JSON.stringify(strange)}`)
  return ended
}

/** Deploys into an empty account; then a person gives the secret its value, as docs/deploy.md tells. */
export const deployFirst: Act = async (rehearsal) => {
  must((await rehearsal.cloud.world.list()).length === 0, 'the account is not empty')
  const { calls } = await succeed(rehearsal, 'deploy')
  const stack = rehearsal.stack()
  must(stack.status === 'UPDATE_COMPLETE', `the stack is ${stack.status}`)
  rehearsal.putSecret()
  const made = [...stack.resources.values()].map(({ type, physicalId }) => `${type.padEnd(30)} ${physicalId}`)
  const functions = [...rehearsal.cloud.world.functions.values()]
  const artifacts = functions.map(({ name, size, sha256 }) => `${name}: ${size} bytes, SHA-256 ${sha256}`)
  return [`calls: ${counted(calls)}`, `${made.length} resources:`, ...made, 'uploaded:', ...artifacts]
}

/** Checks the deployed stack against what must hold of it. */
export const inspect: Act = async (rehearsal) => {
  const stack = rehearsal.stack()
  const broken = brokenRules(stack)
  must(broken.length === 0, `what must hold does not:\n${broken.join('\n')}`)
  const { name, statements } = roleOf(stack, [...rehearsal.cloud.world.functions.keys()][0] ?? '')
  const rights = statements.map(
    ({ effect, actions, resources }) => `${effect} ${actions.join(', ')} on ${resources.join(', ')}`,
  )
  return [`role ${name}:`, ...rights]
}

/** `info` tells the endpoint and the functions. */
export const tellInfo: Act = async (rehearsal) => {
  const { output } = await succeed(rehearsal, 'info')
  const api = rehearsal.stack().outputs.get('HttpApiUrl') ?? 'no HttpApiUrl'
  for (const wanted of [STACK, `GET - ${api}/contacts`, `${STACK}-contacts`, `${STACK}-prewarm`]) {
    must(output.includes(wanted), `info does not tell ${wanted}:\n${output}`)
  }
  return output.trim().split('\n')
}

/** Deploying again what has not changed changes nothing and uploads nothing. */
export const deployUnchanged: Act = async (rehearsal) => {
  const { output, calls } = await succeed(rehearsal, 'deploy')
  must(output.includes('No changes to deploy'), `the deployment was not skipped:\n${output}`)
  must(changesIn(calls).length === 0, `it changed something: ${changesIn(calls).join(', ')}`)
  return [`skipped; calls: ${counted(calls)}, none of them a write`]
}

function resultOf({ result, error }: { result?: unknown; error?: Outcome['error'] }): unknown {
  must(error === undefined, `the function failed: ${error?.code} ${error?.message}`)
  return result
}

/** What the example answers: the tier that had the token. */
export function tierOf(outcome: Outcome): string {
  const { statusCode, body } = resultOf(outcome) as { statusCode?: number; body?: string }
  must(statusCode === 200, `the function answered ${statusCode}: ${body}`)
  return String((JSON.parse(body ?? '{}') as { tier?: string }).tier)
}

/** What the functions of the stack need of AWS, once each in the order in which it came. */
function rightsUsed(rehearsal: Rehearsal): readonly string[] {
  return [...new Set(rehearsal.decisions().map(({ action, allowed }) => `${action} ${allowed ? 'allowed' : 'DENIED'}`))]
}

/** Runs the uploaded artifacts, with nothing but the rights of their role. */
export const invokeAll: Act = async (rehearsal) => {
  const before = rehearsal.tokenRequests()
  const told: string[] = []
  for (const { name, functionName, event } of callableOf(rehearsal.stack())) {
    for (const label of ['a new environment', 'another one']) {
      const environment = await rehearsal.start(functionName)
      const outcomes = [await environment.invoke(event), await environment.invoke(event)]
      environment.end()
      const told1 = outcomes.map((outcome) =>
        name.startsWith('GET ') ? `token from ${tierOf(outcome)}` : JSON.stringify(resultOf(outcome)),
      )
      told.push(
        `${name} in ${label}: ${told1.join(', then ')}; ${rightsUsed(rehearsal).join(', ') || 'nothing asked of AWS'}`,
      )
    }
  }
  const asked = rehearsal.tokenRequests() - before
  must(asked <= 1, `the issuer was asked ${asked} times`)
  return [...told, `token requests: ${asked}`]
}

/**
 * Takes a right away by a deployment, and restores it by another: in between the functions must say which right they
 * miss, and not ask the issuer. The table must be empty: a token that lives needs no UpdateItem.
 */
export function withoutRight(right: string): Act {
  return async (rehearsal) => {
    const line = `  - dynamodb:${right}\n`
    rehearsal.folder.edit(ACCESS, line, '')
    await succeed(rehearsal, 'deploy')
    const before = rehearsal.tokenRequests()
    const told: string[] = []
    for (const { name, functionName, event } of callableOf(rehearsal.stack())) {
      const { error } = await (await rehearsal.start(functionName)).invoke(event)
      must(error !== undefined, `${name} works without dynamodb:${right}`)
      const isClear =
        error.code === 'STORE_DENIED' && error.message.includes(`the role needs dynamodb:${right} on this table`)
      must(isClear, `${name} without dynamodb:${right} says ${error.code}: ${error.message}`)
      told.push(`${name}: ${error.name} ${error.code}: ${error.message}`)
    }
    must(rehearsal.tokenRequests() === before, 'the issuer was asked by a function that cannot keep its answer')
    rehearsal.decisions()
    rehearsal.folder.edit(ACCESS, 'Action:\n', `Action:\n${line}`)
    await succeed(rehearsal, 'deploy')
    return told
  }
}

/** Deploys a change of one function's code: the code of the others stays, and so does the token in the table. */
export const deployChanged: Act = async (rehearsal) => {
  const { functions } = rehearsal.cloud.world
  const before = new Map([...functions].map(([name, { sha256 }]) => [name, sha256]))
  const asked = rehearsal.tokenRequests()
  rehearsal.folder.edit(
    'functions/contacts.ts',
    "'content-type': 'application/json'",
    "'content-type': 'application/json;v=2'",
  )
  const { calls } = await succeed(rehearsal, 'deploy')
  const changed = [...functions].filter(([name, { sha256 }]) => before.get(name) !== sha256).map(([name]) => name)
  must(changed.join() === `${STACK}-contacts`, `not only contacts has other code: ${changed.join(', ')}`)
  const trigger = callableOf(rehearsal.stack()).find(({ functionName }) => functionName === changed[0])
  must(trigger !== undefined, 'nothing calls contacts')
  const outcome = await (await rehearsal.start(trigger.functionName)).invoke(trigger.event)
  must(JSON.stringify(resultOf(outcome)).includes('json;v=2'), 'the old code answered')
  must(tierOf(outcome) === 'store', `the token came from ${tierOf(outcome)}, not from the table`)
  must(rehearsal.tokenRequests() === asked, 'a deployment cost a token request')
  rehearsal.decisions()
  return [
    `calls: ${counted(calls)}`,
    `other code: ${changed.join(', ')}`,
    'its first call took the token from the table',
  ]
}

/** A template that cannot be is refused before anything is changed, and what runs goes on running. */
export const deployBroken: Act = async (rehearsal) => {
  const { status, events } = rehearsal.stack()
  const seen = events.length
  rehearsal.folder.edit(ACCESS, '!GetAtt TokenTable.Arn', '!GetAtt TokensTable.Arn')
  const { code, output } = await rehearsal.run('deploy')
  rehearsal.folder.edit(ACCESS, '!GetAtt TokensTable.Arn', '!GetAtt TokenTable.Arn')
  must(code !== 0, 'a template with a reference to nothing was deployed')
  const said = output.split('\n').find((line) => line.includes('TokensTable'))
  must(said !== undefined, `the command does not say what is wrong:\n${output}`)
  must(rehearsal.stack().status === status && events.length === seen, 'the stack was changed')
  return [said.trim()]
}

/** Removes the stack: nothing is left, and `info` says so. */
export const removeAll: Act = async (rehearsal) => {
  const { calls } = await succeed(rehearsal, 'remove')
  const left = await rehearsal.cloud.world.list()
  must(left.length === 0, `remove left ${left.join(', ')}`)
  must(rehearsal.cloud.stack(STACK) === undefined, 'the stack is still there')
  const { code, output } = await rehearsal.run('info')
  must(code !== 0 && output.includes('does not exist'), `info after remove says:\n${output}`)
  return [`calls: ${counted(calls)}`, 'no bucket, table, secret, function or stack is left']
}
