// Uses all that needs a package of the SDK, and prints what became of it as JSON.
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { kmsKey } from '@warmtoken/adapters-aws/kms'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import { secretsManagerSecret, ssmParameter } from '@warmtoken/adapters-aws/secrets'
import { assumeRole } from '@warmtoken/adapters-aws/sts'
import { createTokens, type Source, type Store, type TokenValue, type WarmEvent } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { clientCredentials } from '@warmtoken/core/oauth2'

/** What is reported about an error. */
function told(error: unknown): object {
  const { name, code, retryable, message, cause } = error as Error & { code?: unknown; retryable?: unknown }
  return { name, code, retryable, message, ...(cause instanceof Error && { cause: cause.message }) }
}

async function failureOf(promise: Promise<unknown>): Promise<object> {
  return promise.then(() => ({ name: 'no error' }), told)
}

async function byStore(store: Store): Promise<object> {
  let fetches = 0
  const events: WarmEvent[] = []
  const fetch = async () => ({ value: `${++fetches}`, lifetime: 3_600_000 })
  const tokens = createTokens({ store, directory: false, onEvent: (event) => events.push(event) })
  return { ...(await failureOf(tokens.use(custom({ identity: 'x', fetch })).get())), fetches, events }
}

function bySource(source: Source<TokenValue>): Promise<object> {
  return failureOf(createTokens({ directory: false }).use(source).get())
}

function bySecret(clientSecret: () => Promise<string>): Promise<object> {
  return bySource(clientCredentials({ tokenEndpoint: 'https://127.0.0.1:1/token', clientId: 'crm', clientSecret }))
}

async function main(): Promise<object> {
  return {
    dynamodb: await byStore(dynamoDBStore({ table: 'tokens' })),
    s3: await byStore(s3Store({ bucket: 'tokens' })),
    sts: await bySource(assumeRole({ roleArn: 'arn:aws:iam::123456789012:role/partner' })),
    'secrets-manager': await bySecret(secretsManagerSecret({ id: 'crm' })),
    ssm: await bySecret(ssmParameter({ name: 'crm' })),
    kms: await failureOf(kmsKey({ id: '2026-11', encryptedKey: 'AQIDAHhA' })()),
  }
}

main().then((report) => process.stdout.write(JSON.stringify(report)))
