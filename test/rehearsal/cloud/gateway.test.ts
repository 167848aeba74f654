import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ACCOUNT, DEPLOYER, REGION } from './account.ts'
import { type Cloud, startCloud } from './start-cloud.ts'

let cloud: Cloud
const clients: { destroy(): void }[] = []
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(async () => {
  for (const client of clients) client.destroy()
  await cloud.close()
})

function settings(changed: object) {
  return {
    endpoint: cloud.url,
    region: REGION,
    credentials: { ...DEPLOYER, ...changed },
    maxAttempts: 1,
  }
}
function sts(changed: object = {}, region: string = REGION): STSClient {
  const client = new STSClient({ ...settings(changed), region })
  clients.push(client)
  return client
}
function told(sent: Promise<unknown>): Promise<string> {
  return sent.then(
    () => 'ok',
    (error: Error) => `${error.name}: ${error.message}`,
  )
}

test('the user that deploys is recognized by the signature', async () => {
  const { Account, Arn } = await sts().send(new GetCallerIdentityCommand({}))
  expect({ Account, Arn }).toEqual({ Account: ACCOUNT, Arn: `arn:aws:iam::${ACCOUNT}:user/rehearsal` })
})

test('a wrong secret, an unknown key, another region and no signature are refused', async () => {
  const ask = (client: STSClient) => told(client.send(new GetCallerIdentityCommand({})))
  expect(await ask(sts({ secretAccessKey: 'wrong' }))).toBe('SignatureDoesNotMatch: the signature does not match')
  expect(await ask(sts({ accessKeyId: 'AKIAUNKNOWN' }))).toBe(
    'SignatureDoesNotMatch: the request is signed with another key',
  )
  expect(await ask(sts({}, 'eu-west-1'))).toContain('eu-west-1')
  expect((await fetch(cloud.url, { method: 'POST' })).status).toBe(403)
})

test('what is not played here is refused by name, and seen', async () => {
  cloud.calls()
  expect(await told(sts().send(new GetSessionTokenCommand({})))).toBe(
    'NotRehearsed: sts: GetSessionToken is not played here',
  )
  expect(cloud.calls()).toEqual([{ service: 'sts', operation: 'GetSessionToken', status: 501 }])
})

test('S3 is behind the same address, and verifies for itself', async () => {
  const head = (changed: object) => {
    const client = new S3Client(settings(changed))
    clients.push(client)
    return told(client.send(new HeadBucketCommand({ Bucket: 'nothing' })))
  }
  cloud.calls()
  expect(await head({})).toContain('NotFound')
  expect(await head({ secretAccessKey: 'wrong' })).not.toBe('ok')
  expect(cloud.calls()).toEqual([404, 403].map((status) => ({ service: 's3', operation: 'HeadBucket', status })))
})
