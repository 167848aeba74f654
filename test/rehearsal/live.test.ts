import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { printEvent } from '@warmtoken/core/live'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { arnOf } from './cloud/account.ts'
import { memberAt } from './cloud/value.ts'
import { allows } from './iam/policy.ts'
import { roleOf } from './iam/role.ts'
import { type Rehearsal, startRehearsal } from './start-rehearsal.ts'

// One deployment of serverless.live.yml, of which each test is a look or a step further; the order is that of the file.
const STACK = 'warmtoken-live-dev'
const CONFIG = ['--config', 'serverless.live.yml']

/** A request to the sockets of the API. */
interface Posted {
  readonly method: string
  readonly path: string
  readonly body: string
}

const posted: Posted[] = []
const gateway = createServer(async (request, response) => {
  const { method = '', url: path = '' } = request
  posted.push({ method, path, body: await text(request) })
  response.writeHead(method === 'DELETE' ? 204 : 200).end()
})
let rehearsal: Rehearsal
beforeAll(async () => {
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
  const { port } = gateway.address() as AddressInfo
  rehearsal = await startRehearsal({ stack: STACK, variables: { LIVE_ENDPOINT: `http://127.0.0.1:${port}/dev` } })
})
afterAll(async () => {
  await rehearsal?.close()
  gateway.closeAllConnections()
  gateway.close()
})

/** Invokes a deployed function in a new environment, with the rights of its role alone. Fails when it fails. */
async function invoke(name: string, event: object): Promise<unknown> {
  const environment = await rehearsal.start(`${STACK}-${name}`)
  const outcome = await environment.invoke(event)
  environment.end()
  expect(outcome.error).toBeUndefined()
  return 'result' in outcome ? outcome.result : undefined
}

function httpEvent(body: unknown, cookie?: string): object {
  return {
    version: '2.0',
    headers: { 'content-type': 'application/json' },
    ...(cookie !== undefined && { cookies: [cookie] }),
    body: typeof body === 'string' ? body : JSON.stringify(body),
    requestContext: { http: { method: 'POST', path: '/' } },
    isBase64Encoded: false,
  }
}

const CONNECTION = 'L0SM9cOFvHcCIhw='
const USER = { name: 'ada', password: 'correct horse' }

test('deploy makes the stack with its socket, its stream and its function URL, out of an empty account', {
  timeout: 300_000,
}, async () => {
  const { code, output, calls } = await rehearsal.run('deploy', ...CONFIG)
  expect(`${code}`, output).toBe('0')
  expect(calls.filter(({ status }) => status >= 500 || status === 403)).toEqual([])
  const stack = rehearsal.stack()
  expect(stack.status).toBe('UPDATE_COMPLETE')
  const api = stack.resources.get('WebsocketsApi')?.physicalId
  const variables = (name: string) => memberAt(stack.resources.get(name)?.properties, 'Environment', 'Variables')
  // Each address is that of a resource which the same template makes.
  expect(variables('SocketLambdaFunction')).toMatchObject({
    LIVE_ENDPOINT: `https://${api}.execute-api.us-east-1.amazonaws.com/dev`,
    LIVE_WS_URL: `wss://${api}.execute-api.us-east-1.amazonaws.com/dev`,
    LIVE_PUSH_FUNCTION: stack.resources.get('PushLambdaFunction')?.physicalId,
    TOKEN_TABLE: stack.resources.get('LiveTable')?.physicalId,
    SUBSCRIBER_TABLE: stack.resources.get('SubscriberTable')?.physicalId,
  })
  expect(variables('PageLambdaFunction')).toMatchObject({
    LIVE_FEED_URL: expect.stringMatching(/^https:\/\/[0-9a-f]{32}\.lambda-url\.us-east-1\.on\.aws\/$/),
  })
})

test('the artifacts bring a post to a socket with the rights of their roles, and ask for no other', async () => {
  rehearsal.decisions()
  await invoke('signUp', httpEvent(USER))
  const { cookies } = (await invoke('signIn', httpEvent(USER))) as { cookies: string[] }
  const cookie = cookies[0]?.split(';')[0] ?? ''
  const { body: ticket } = (await invoke('ticket', httpEvent('', cookie))) as { body: string }
  const methodArn = arnOf('execute-api', 'api/dev/$connect')
  const admitted = (await invoke('authorizer', { methodArn, queryStringParameters: { ticket } })) as { context: object }
  const context = { connectionId: CONNECTION, authorizer: admitted.context }
  const socket = (routeKey: string, frame?: object) =>
    invoke('socket', {
      requestContext: { ...context, routeKey },
      headers: {},
      ...(frame && { body: JSON.stringify(frame) }),
    })
  expect(await socket('$connect')).toMatchObject({ statusCode: 200 })
  const ack = (await socket('$default', { action: 'subscribe', id: 1, topics: ['tag:posts'] })) as { body: string }
  expect(JSON.parse(ack.body)).toEqual({ ack: 1, versions: [] })

  const { body } = (await invoke('post', httpEvent('hello', cookie))) as { body: string }
  const { id, version } = JSON.parse(body) as { id: string; version: number }
  const path = `/dev/@connections/${encodeURIComponent(CONNECTION)}`
  const sent = () => posted.splice(0)
  expect(sent()).toEqual([
    { method: 'POST', path, body: expect.stringContaining(`"key":"${id}","version":${version}`) },
  ])

  const live = printEvent({ topic: 'tag:posts', key: id, version, kind: 'publish', at: 0 }) ?? ''
  const record = { dynamodb: { SequenceNumber: '1', NewImage: { live: { S: live } } } }
  expect(await invoke('stream', { Records: [record] })).toEqual({ batchItemFailures: [] })
  expect(sent()).toEqual([{ method: 'POST', path, body: expect.stringContaining(id) }])

  expect(await invoke('list', {})).toMatchObject({ body: expect.stringContaining('hello') })
  await invoke('signOut', httpEvent('', cookie))
  expect(sent()).toEqual([
    { method: 'POST', path, body: expect.stringContaining('"kind":"session-ended"') },
    { method: 'POST', path, body: JSON.stringify({ closing: { code: 'session-ended', retry: false } }) },
    { method: 'DELETE', path, body: '' },
  ])
  const decisions = rehearsal.decisions()
  expect(decisions.filter(({ allowed }) => !allowed)).toEqual([])
  expect(new Set(decisions.map(({ action }) => action))).toEqual(
    new Set(['GetItem', 'UpdateItem', 'BatchWriteItem', 'Query'].map((one) => `dynamodb:${one}`)),
  )
})

test('only functions that send may reach the sockets, and only those of their own stage', () => {
  const stack = rehearsal.stack()
  const api = stack.resources.get('WebsocketsApi')?.physicalId
  const may = (name: string, target: string): boolean =>
    allows(roleOf(stack, `${STACK}-${name}`).statements, {
      action: 'execute-api:ManageConnections',
      resource: arnOf('execute-api', target),
    })
  const own = (method: string) => `${api}/dev/${method}/@connections/${CONNECTION}`
  const names = [...rehearsal.cloud.world.functions.keys()].map((name) => name.slice(STACK.length + 1))
  expect(names.filter((name) => may(name, own('POST'))).toSorted()).toEqual(
    ['post', 'push', 'signOut', 'signOutEverywhere', 'socket', 'stream'].toSorted(),
  )
  for (const name of names) {
    expect(may(name, `another/dev/POST/@connections/${CONNECTION}`)).toBe(false)
    expect(may(name, `${api}/prod/POST/@connections/${CONNECTION}`)).toBe(false)
    expect(may(name, own('GET'))).toBe(false)
  }
})

test('a socket function without the right to the subscribers says which right it lacks', async () => {
  const environment = await rehearsal.start(`${STACK}-socket`, 'dynamodb:BatchWriteItem')
  const authorizer = { user: 'ada', session: 's', data: 'null' }
  const event = { requestContext: { routeKey: '$connect', connectionId: 'other=', authorizer }, headers: {} }
  const { error } = await environment.invoke(event)
  environment.end()
  expect(error).toMatchObject({
    code: 'STORE_DENIED',
    message: expect.stringContaining('the role needs dynamodb:BatchWriteItem on it'),
  })
  expect(rehearsal.decisions().filter(({ allowed }) => !allowed)).toMatchObject([{ action: 'dynamodb:BatchWriteItem' }])
})

test('remove leaves nothing', async () => {
  const { code, output } = await rehearsal.run('remove', ...CONFIG)
  expect(`${code}`, output).toBe('0')
  expect(await rehearsal.cloud.world.list()).toEqual([])
})
