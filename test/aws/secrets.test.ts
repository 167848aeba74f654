import { inspect } from 'node:util'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SSMClient } from '@aws-sdk/client-ssm'
import { type SecretOptions, secretsManagerSecret, ssmParameter } from '@warmtoken/adapters-aws/secrets'
import { createTokens } from '@warmtoken/core'
import { memoryStore } from '@warmtoken/core/memory'
import { clientCredentials } from '@warmtoken/core/oauth2'
import { awsError, startIssuer, startSecretsManager, startSsm } from '@warmtoken/local'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { atOnce, closeAfterEach, failureOf, settingsOf } from './servers.ts'

const closing = closeAfterEach()
afterEach(() => {
  vi.useRealTimers()
})

type More = Omit<SecretOptions<never>, 'client' | 'region' | 'endpoint'> & { readonly wait?: true }

/** Both services alike: a server with one secret, and what reads it. */
const services = {
  'a secret of Secrets Manager': async (value: string) => {
    const server = closing(await startSecretsManager({ secrets: { crm: value } }))
    const client = new SecretsManagerClient({ ...settingsOf(server), maxAttempts: 1 })
    const read = ({ wait, ...more }: More = {}, id = 'crm') =>
      secretsManagerSecret({ id, client: wait ? () => new Promise(() => {}) : client, ...more })
    return { server, read, permission: 'secretsmanager:GetSecretValue' }
  },
  'a parameter of SSM': async (value: string) => {
    const server = closing(await startSsm({ parameters: { crm: value } }))
    const client = new SSMClient({ ...settingsOf(server), maxAttempts: 1 })
    const read = ({ wait, ...more }: More = {}, name = 'crm') =>
      ssmParameter({ name, client: wait ? () => new Promise(() => {}) : client, ...more })
    return { server, read, permission: 'ssm:GetParameter' }
  },
}

describe.each(Object.entries(services))('%s', (_name, setUp) => {
  it('is read once for fifty callers, and not before the first', async () => {
    const { server, read } = await setUp('marked-secret')
    const secret = read()
    expect(server.requests).toBe(0)
    expect(new Set(await atOnce(50, secret))).toEqual(new Set(['marked-secret']))
    await secret()
    expect(server.requests).toBe(1)
  })

  it('is read again after its age, and then found changed', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    const { server, read } = await setUp('first')
    const [usual, short] = [read(), read({ maxAge: 1_000 })]
    await Promise.all([usual(), short()])
    server.put('crm', 'second')
    vi.advanceTimersByTime(999)
    expect([await usual(), await short()]).toEqual(['first', 'first'])
    vi.advanceTimersByTime(1)
    expect([await usual(), await short()]).toEqual(['first', 'second'])
    vi.advanceTimersByTime(299_000)
    expect(new Set(await atOnce(50, usual))).toEqual(new Set(['second']))
    expect(server.requests).toBe(4)
  })

  it('ages while either clock stands still, as one may when the environment is frozen', async () => {
    const { server, read } = await setUp('x')
    for (const only of ['Date', 'hrtime'] as const) {
      vi.useFakeTimers({ toFake: [only] })
      const secret = read({ maxAge: 60_000_000 })
      await secret()
      const before = server.requests
      vi.advanceTimersByTime(60_000_000)
      await secret()
      expect(server.requests - before).toBe(1)
      vi.useRealTimers()
    }
  })

  it('is asked for again after a failure', async () => {
    const { server, read } = await setUp('x')
    const secret = read()
    server.failNext(awsError('InternalServiceError', { status: 500 }))
    expect(await failureOf(secret())).toMatchObject({
      name: 'SourceUnavailableError',
      code: 'SECRET_UNAVAILABLE',
      retryable: true,
      nothingDone: true,
    })
    expect(await secret()).toBe('x')
    expect(server.requests).toBe(2)
  })

  it('still serves when it cannot be read again, but not when the right to it is gone', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    const { server, read } = await setUp('x')
    const secret = read()
    await secret()
    vi.advanceTimersByTime(300_000)
    server.failNext(awsError('ThrottlingException'))
    expect(await secret()).toBe('x')
    server.failNext(awsError('AccessDeniedException'))
    expect(await failureOf(secret())).toMatchObject({ code: 'SECRET_DENIED' })
    expect([await secret(), server.requests]).toEqual(['x', 4])
  })

  it('can be a field of a JSON object', async () => {
    const { read } = await setUp('{"client_secret":"marked","id":7,"empty":""}')
    expect(await read({ field: 'client_secret' })()).toBe('marked')
    for (const field of ['id', 'empty', 'none', 'toString', '__proto__']) {
      const error = await failureOf(read({ field })())
      expect(error).toMatchObject({ name: 'SourceRefusedError', code: 'SECRET_INVALID', retryable: false })
      expect(error.message).toContain(`"${field}"`)
      expect(inspect(error)).not.toContain('marked')
    }
  })

  it.each(['marked-secret', '["marked-secret"]', '"marked-secret"', 'null', '{"client_secret":"marked-secret"'])(
    'has no field when it is %s, and shows nothing of it',
    async (value) => {
      const { read } = await setUp(value)
      const error = await failureOf(read({ field: 'client_secret' })())
      expect(error).toMatchObject({ code: 'SECRET_INVALID' })
      expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('marked')
    },
  )

  it('that may not be read says which permission is missing, and nothing that AWS wrote', async () => {
    const { server, read, permission } = await setUp('x')
    server.failNext(awsError('AccessDeniedException', { message: 'marked text' }))
    const error = await failureOf(read()())
    expect(error).toMatchObject({ name: 'SourceRefusedError', code: 'SECRET_DENIED', retryable: false })
    expect(error.message).toContain(permission)
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('marked')
  })

  it('that is not there says so', async () => {
    const { read } = await setUp('x')
    expect(await failureOf(read({}, 'other')())).toMatchObject({ code: 'SECRET_MISSING', retryable: false })
  })

  it('tells throttling from other faults, and what this environment lacks from what all lack', async () => {
    const { server, read } = await setUp('x')
    server.failNext({ ...awsError('ThrottlingException'), headers: { 'retry-after': '7' } })
    expect(await failureOf(read()())).toMatchObject({ kind: 'throttled', retryAfter: 7_000, retryable: true })
    server.failNext(awsError('UnrecognizedClientException'))
    expect(await failureOf(read()())).toMatchObject({ code: 'SECRET_UNAVAILABLE', kind: 'unavailable' })
    server.failNext(awsError('SomethingNew'))
    expect(await failureOf(read()())).toMatchObject({ code: 'SECRET_DENIED', retryable: false })
  })

  it('does not hold its callers forever', async () => {
    const { read } = await setUp('x')
    expect(await failureOf(read({ wait: true })())).toMatchObject({ code: 'SECRET_UNAVAILABLE' })
  })
})

describe('a secret of Secrets Manager', () => {
  it('that is binary is refused', async () => {
    const server = closing(await startSecretsManager({ secrets: { crm: Buffer.from('marked') } }))
    const error = await failureOf(
      secretsManagerSecret({ id: 'crm', client: new SecretsManagerClient(settingsOf(server)) })(),
    )
    expect(error).toMatchObject({ code: 'SECRET_INVALID', message: expect.stringContaining('binary') })
  })
})

describe('a source with a secret of Secrets Manager', () => {
  const setUp = async () => {
    const issuer = closing(await startIssuer({ clients: [{ id: 'crm', secret: 'secret-of-crm' }] }))
    const server = closing(await startSecretsManager({ secrets: { crm: '{"client_secret":"secret-of-crm"}' } }))
    const store = memoryStore()
    const environment = () => {
      const client = () => new SecretsManagerClient({ ...settingsOf(server), maxAttempts: 1 })
      const clientSecret = secretsManagerSecret({ id: 'crm', field: 'client_secret', client })
      const source = clientCredentials({ issuer: issuer.url, clientId: 'crm', clientSecret, allowInsecure: true })
      return createTokens({ store, directory: false }).use(source)
    }
    return { issuer, server, environment }
  }

  it('has it read by the one environment that fetches, and by nobody while the token lives', async () => {
    const { server, environment } = await setUp()
    const tokens = await Promise.all(Array.from({ length: 10 }, environment).map((handle) => handle.get()))
    expect(new Set(tokens.map(({ value }) => value)).size).toBe(1)
    await environment().get()
    expect(server.requests).toBe(1)
  })

  it('goes on in environments that may read it, though another may not', async () => {
    const { issuer, server, environment } = await setUp()
    server.failNext(awsError('AccessDeniedException'), 2)
    const error = await failureOf(environment().get())
    expect(error).toMatchObject({ name: 'SourceRefusedError', code: 'SECRET_DENIED', retryable: false })
    expect(issuer.tokenRequests).toBe(0)
    expect((await environment().get()).tier).toBe('source')
  })

  it('tries a new secret at once, and a refused one not again', async () => {
    const { issuer, server, environment } = await setUp()
    server.put('crm', '{"client_secret":"wrong"}')
    for (let i = 0; i < 3; i += 1)
      expect(await failureOf(environment().get())).toMatchObject({ code: 'invalid_client' })
    expect(issuer.tokenRequests).toBe(1)
    server.put('crm', '{"client_secret":"secret-of-crm"}')
    expect((await environment().get()).tier).toBe('source')
    expect(issuer.tokenRequests).toBe(2)
  })
})

describe('the options of a secret', () => {
  it.each([
    ['id', () => secretsManagerSecret({} as never)],
    ['name', () => ssmParameter({ id: 'x' } as never)],
    ['name', () => ssmParameter({ name: '' })],
    ['field', () => secretsManagerSecret({ id: 'x', field: '' })],
    ['maxAge', () => secretsManagerSecret({ id: 'x', maxAge: 0 })],
    ['client', () => ssmParameter({ name: 'x', client: 'x' as never })],
    ['endpoint', () => ssmParameter({ name: 'x', endpoint: 'localhost:4566' })],
    ['ttl', () => secretsManagerSecret({ id: 'x', ttl: 5 } as never)],
  ])('name "%s" when it is wrong', (name, make) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(`"${name}"`)
  })
})
