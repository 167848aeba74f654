import { DecryptCommand, EncryptCommand, GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { afterEach, describe, expect, it } from 'vitest'
import type { LocalServer } from '../http/listen.ts'
import { awsError } from './aws-json.ts'
import { startKms } from './start-kms.ts'
import { startSecretsManager } from './start-secrets-manager.ts'
import { startSsm } from './start-ssm.ts'
import { startSts, stsError } from './start-sts.ts'

const open: LocalServer[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
function closing<T extends LocalServer>(server: T): T {
  open.push(server)
  return server
}

function settingsOf({ url }: LocalServer) {
  return {
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local-secret' },
  }
}

describe('the imitation of KMS, asked by the real client,', () => {
  it('decrypts what it made, and only with its own encryption context', async () => {
    const kms = closing(await startKms())
    const client = new KMSClient(settingsOf(kms))
    const EncryptionContext = { app: 'shop', stage: 'prod' }
    const made = await client.send(
      new GenerateDataKeyCommand({ KeyId: 'local', KeySpec: 'AES_256', EncryptionContext }),
    )
    const { CiphertextBlob } = made
    const sameContext = { stage: 'prod', app: 'shop' }
    const read = await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: sameContext }))
    expect(read.Plaintext).toEqual(made.Plaintext)
    expect(read.Plaintext).toHaveLength(32)
    expect(Buffer.from(CiphertextBlob ?? []).includes(Buffer.from(made.Plaintext ?? []))).toBe(false)
    for (const wrong of [undefined, {}, { app: 'shop' }, { app: 'shop', stage: 'dev' }]) {
      const command = new DecryptCommand({ CiphertextBlob, EncryptionContext: wrong })
      await expect(client.send(command)).rejects.toMatchObject({ name: 'InvalidCiphertextException' })
    }
    expect(kms.requests).toBe(5)
  })

  it('refuses keys that are unknown, disabled or not the one named, and what is damaged', async () => {
    const kms = closing(await startKms({ keys: ['one', 'two'] }))
    const client = new KMSClient(settingsOf(kms))
    const blob = Buffer.from(kms.dataKey({ keyId: 'one' }), 'base64')
    const refusal = async (CiphertextBlob: Uint8Array, KeyId?: string) =>
      client.send(new DecryptCommand({ CiphertextBlob, KeyId })).then(
        () => 'decrypted',
        ({ name }: Error) => name,
      )
    expect(await refusal(blob, 'one')).toBe('decrypted')
    expect(await refusal(blob, 'two')).toBe('IncorrectKeyException')
    expect(await refusal(blob, 'three')).toBe('NotFoundException')
    expect(await refusal(Buffer.from('nothing'))).toBe('InvalidCiphertextException')
    expect(await refusal(Buffer.concat([blob.subarray(0, -1), Buffer.from([1])]))).toBe('InvalidCiphertextException')
    kms.disable('one')
    expect(await refusal(blob)).toBe('DisabledException')
  })

  it('encrypts your own key, and fails as it is told to', async () => {
    const kms = closing(await startKms())
    const client = new KMSClient({ ...settingsOf(kms), maxAttempts: 1 })
    const Plaintext = Buffer.alloc(32, 7)
    const { CiphertextBlob } = await client.send(new EncryptCommand({ KeyId: 'local', Plaintext }))
    kms.failNext(awsError('ThrottlingException'))
    const command = new DecryptCommand({ CiphertextBlob })
    await expect(client.send(command)).rejects.toMatchObject({ name: 'ThrottlingException' })
    expect(Buffer.from((await client.send(command)).Plaintext ?? [])).toEqual(Plaintext)
    expect(kms.requests).toBe(2)
  })
})

describe('the imitations of Secrets Manager and SSM, asked by the real clients,', () => {
  it('give texts, bytes and new values by name and ARN, and refuse the unknown', async () => {
    const secrets = closing(await startSecretsManager({ secrets: { text: 'a', bytes: Buffer.from('b') } }))
    const client = new SecretsManagerClient(settingsOf(secrets))
    const get = (SecretId: string) => client.send(new GetSecretValueCommand({ SecretId }))
    const { ARN, SecretString } = await get('text')
    expect(SecretString).toBe('a')
    secrets.put('text', 'c')
    expect((await get(ARN ?? '')).SecretString).toBe('c')
    expect(Buffer.from((await get('bytes')).SecretBinary ?? []).toString()).toBe('b')
    await expect(get('none')).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    secrets.failNext(awsError('AccessDeniedException'))
    await expect(get('text')).rejects.toMatchObject({ name: 'AccessDeniedException' })
    expect(secrets.requests).toBe(5)
  })

  it('give a parameter in clear only when asked to decrypt', async () => {
    const ssm = closing(await startSsm({ parameters: { '/a/b': 'x' } }))
    const client = new SSMClient(settingsOf(ssm))
    const get = async (Name: string, WithDecryption: boolean) =>
      (await client.send(new GetParameterCommand({ Name, WithDecryption }))).Parameter?.Value
    expect(await get('/a/b', true)).toBe('x')
    expect(await get('/a/b', false)).not.toBe('x')
    await expect(get('/a/c', true)).rejects.toMatchObject({ name: 'ParameterNotFound' })
  })
})

describe('the imitation of STS, asked by the real client,', () => {
  const RoleArn = 'arn:aws:iam::123456789012:role/partner'

  it('gives credentials that tell whom they belong to until they expire', async () => {
    const sts = closing(await startSts())
    const client = new STSClient(settingsOf(sts))
    const { Credentials } = await client.send(
      new AssumeRoleCommand({ RoleArn, RoleSessionName: 'me', DurationSeconds: 900 }),
    )
    const accessKeyId = Credentials?.AccessKeyId ?? ''
    expect(Credentials?.Expiration?.getTime()).toBe(sts.expiryOf(accessKeyId))
    const credentials = {
      accessKeyId,
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    }
    const assumed = new STSClient({ ...settingsOf(sts), credentials })
    const { Arn } = await assumed.send(new GetCallerIdentityCommand())
    expect(Arn).toBe('arn:aws:sts::123456789012:assumed-role/partner/me')
    for (const wrong of [{ secretAccessKey: 'x' }, { sessionToken: 'x' }, { accessKeyId: 'x' }]) {
      const other = new STSClient({ ...settingsOf(sts), credentials: { ...credentials, ...wrong } })
      const told = other.send(new GetCallerIdentityCommand())
      await expect(told).rejects.toMatchObject({
        name: expect.stringMatching(/^(SignatureDoesNotMatch|InvalidClientTokenId)$/),
      })
    }
    sts.advance(901_000)
    await expect(assumed.send(new GetCallerIdentityCommand())).rejects.toMatchObject({ name: 'ExpiredToken' })
    expect(sts.requests).toBe(1)
  })

  it('refuses a wrong external id, an unknown role and a session that is too long, and fails as it is told to', async () => {
    const sts = closing(await startSts({ roles: { [RoleArn]: { externalId: 'shop' } } }))
    const client = new STSClient({ ...settingsOf(sts), maxAttempts: 1 })
    const assume = (more: object) =>
      client.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'me', ExternalId: 'shop', ...more }))
    await expect(assume({ ExternalId: 'other' })).rejects.toMatchObject({ name: 'AccessDenied' })
    await expect(assume({ RoleArn: `${RoleArn}2` })).rejects.toMatchObject({ name: 'AccessDenied' })
    await expect(assume({ DurationSeconds: 7_200 })).rejects.toMatchObject({ name: 'ValidationError' })
    sts.failNext(stsError('Throttling'))
    await expect(assume({})).rejects.toMatchObject({ name: 'Throttling' })
    expect((await assume({})).Credentials?.SessionToken).toMatch(/^[\x20-\x7e]+$/)
  })
})
