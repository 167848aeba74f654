import { inspect } from 'node:util'
import { KMSClient } from '@aws-sdk/client-kms'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { type AssumeRoleOptions, assumeRole, credentialsFrom } from '@warmtoken/adapters-aws/sts'
import { createTokens, type FetchRequest, type Runtime, type Store, type TokenHandle } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { memoryStore } from '@warmtoken/core/memory'
import { type Sts, type StsOptions, startKms, startSts, stsError } from '@warmtoken/local'
import { describe, expect, it } from 'vitest'
import { atOnce, closeAfterEach, failureOf, settingsOf } from './servers.ts'

const closing = closeAfterEach()
const roleArn = 'arn:aws:iam::123456789012:role/partner'
const MINUTE = 60_000

/** A fleet: environments over one store, and one clock for the store, the environments and STS. */
async function setUp(options: StsOptions = {}) {
  const sts = closing(await startSts(options))
  let ahead = 0
  const wall = () => Date.now() + ahead
  const runtime: Runtime = {
    wall,
    monotonic: () => performance.now() + ahead,
    random: () => 0,
    unique: () => crypto.randomUUID(),
    after(ms, callback) {
      const timer = setTimeout(callback, ms)
      return () => clearTimeout(timer)
    },
  }
  const client = new STSClient({ ...settingsOf(sts), maxAttempts: 1 })
  const fetchOnce = (more: Partial<AssumeRoleOptions> = {}) => fetchFrom({ roleArn, client, ...more })
  const store: Store = memoryStore({ wall })
  const environment = (more: Partial<AssumeRoleOptions> = {}): TokenHandle =>
    createTokens({ store, runtime, directory: false }).use(assumeRole({ roleArn, client, ...more }))
  const advance = (ms: number): void => {
    ahead += ms
    sts.advance(ms)
  }
  return { sts, client, environment, fetchOnce, advance }
}

function requestWith(signal: AbortSignal): FetchRequest<undefined> {
  return {
    params: undefined,
    previous: undefined,
    rejected: undefined,
    spends: undefined,
    nonce: 'n',
    signal,
  }
}
function fetchFrom(options: AssumeRoleOptions) {
  return assumeRole(options).fetch(requestWith(AbortSignal.timeout(5_000)))
}

/** Whom STS takes credentials for. */
async function callerOf(sts: Sts, handle: TokenHandle): Promise<string | undefined> {
  return (
    await new STSClient({ ...settingsOf(sts), credentials: credentialsFrom(handle) }).send(
      new GetCallerIdentityCommand(),
    )
  ).Arn
}

describe('the credentials of a role', () => {
  it('are asked for once by a fleet of environments, and taken by SDK clients', async () => {
    const { sts, environment } = await setUp()
    const handles = Array.from({ length: 12 }, () => environment())
    const callers = await Promise.all(handles.map((handle) => callerOf(sts, handle)))
    expect(new Set(callers)).toEqual(new Set(['arn:aws:sts::123456789012:assumed-role/partner/warmtoken']))
    const all = await Promise.all(handles.map((handle) => credentialsFrom(handle)()))
    expect(new Set(all.map(({ accessKeyId }) => accessKeyId)).size).toBe(1)
    expect(sts.requests).toBe(1)
  })

  it('are asked for once by fifty calls of one SDK client that has none yet', async () => {
    const { sts, environment } = await setUp()
    const client = new STSClient({ ...settingsOf(sts), credentials: credentialsFrom(environment()) })
    await atOnce(50, () => client.send(new GetCallerIdentityCommand()))
    expect(sts.requests).toBe(1)
  })

  it('fit the clients of other services by their type', async () => {
    const { environment } = await setUp()
    const kms = closing(await startKms())
    const client = new KMSClient({ ...settingsOf(kms), credentials: credentialsFrom(environment()) })
    expect((await client.config.credentials()).sessionToken).toMatch(/^[\x20-\x7e]+$/)
  })

  it('are renewed before they expire, once for all, and work at every moment', async () => {
    const { sts, environment, advance } = await setUp()
    const handles = Array.from({ length: 5 }, () => environment())
    let seen = new Set<string>()
    for (let minutes = 0; minutes < 180; minutes += 5) {
      const given = await Promise.all(handles.map((handle) => credentialsFrom(handle)()))
      for (const { accessKeyId } of given) {
        expect((sts.expiryOf(accessKeyId) ?? 0) - sts.now()).toBeGreaterThanOrEqual(5 * MINUTE)
        seen = seen.add(accessKeyId)
      }
      await callerOf(sts, handles[0] ?? environment())
      advance(5 * MINUTE)
    }
    expect(sts.requests).toBe(seen.size)
    expect(seen.size).toBeLessThanOrEqual(4)
  })

  it('are renewed by the first who comes after they have expired, once however many come', async () => {
    const { sts, environment, advance } = await setUp()
    const [first, second] = [environment(), environment()]
    const before = await first.get()
    await second.get()
    advance(2 * 60 * MINUTE)
    const after = await Promise.all([...Array(20)].map((_, index) => (index % 2 ? first : second).get()))
    expect(new Set(after.map(({ value }) => value)).size).toBe(1)
    expect(after[0]?.value).not.toBe(before.value)
    expect(sts.requests).toBe(2)
  })

  it('of the shortest life still have five minutes when they are returned', async () => {
    const { sts, environment, advance } = await setUp()
    const handle = environment({ duration: 15 * MINUTE })
    for (let minutes = 0; minutes < 60; minutes += 1) {
      const { accessKeyId } = await credentialsFrom(handle)()
      expect((sts.expiryOf(accessKeyId) ?? 0) - sts.now()).toBeGreaterThanOrEqual(5 * MINUTE)
      advance(MINUTE)
    }
    expect(sts.requests).toBeLessThanOrEqual(7)
  })

  it('serve as long as they live while STS is down', async () => {
    const { sts, environment, advance } = await setUp()
    const handle = environment()
    const before = await credentialsFrom(handle)()
    advance(57 * MINUTE)
    sts.failNext(stsError('ServiceUnavailable', { status: 503 }), 100)
    const given = await credentialsFrom(handle)()
    expect(given.accessKeyId).toBe(before.accessKeyId)
    expect(given.expiration.getTime() - Date.now()).toBeLessThanOrEqual(3 * MINUTE)
  })

  it('tell an expiration by the clock of this machine, however wrong that is, and never later than the true one', async () => {
    const { sts, environment } = await setUp()
    // The clock of AWS is an hour ahead of the one here.
    sts.advance(60 * MINUTE)
    const before = Date.now()
    const { expiration, accessKeyId } = await credentialsFrom(environment())()
    const left = (sts.expiryOf(accessKeyId) ?? 0) - sts.now()
    expect(expiration.getTime() - Date.now()).toBeLessThanOrEqual(left)
    expect(expiration.getTime() - before).toBeGreaterThan(55 * MINUTE)
  })

  it('live by the Date of the answer, at most as long as they really do and at least two seconds less', async () => {
    const { sts, fetchOnce } = await setUp()
    for (const skew of [0, 7 * 60 * MINUTE, -14 * 60 * MINUTE]) {
      sts.advance(skew)
      const sent = sts.now()
      const { lifetime, value } = await fetchOnce({ duration: 30 * MINUTE })
      const { accessKeyId } = JSON.parse(value.value) as { accessKeyId: string }
      const real = (sts.expiryOf(accessKeyId) ?? 0) - sent
      expect(lifetime).toBeLessThanOrEqual(real)
      expect(lifetime).toBeGreaterThanOrEqual(30 * MINUTE - 2_000)
    }
  })

  it('are a token that shows none of them', async () => {
    const { environment } = await setUp()
    const token = await environment().get()
    const { accessKeyId, secretAccessKey, sessionToken } = await credentialsFrom(environment())()
    expect(token.type).toBe('AWS4')
    expect(token.value).toMatch(/^[\x20-\x7e]+$/)
    const shown = inspect(token, { showHidden: true, depth: 9 }) + JSON.stringify(token) + String(token)
    for (const secret of [accessKeyId, secretAccessKey, sessionToken]) expect(shown).not.toContain(secret)
  })

  it('carry session name, external id, duration and policy, and each makes others of them', async () => {
    const roles = { [roleArn]: { externalId: 'shop', maxDuration: 7_200 } }
    const { sts, environment } = await setUp({ roles })
    const base = { externalId: 'shop' }
    const variants = [
      base,
      { ...base, sessionName: 'report' },
      { ...base, duration: 120 * MINUTE },
      { ...base, policy: '{"Version":"2012-10-17","Statement":[]}' },
    ]
    const handles = variants.map((more) => environment(more))
    expect(new Set(handles.map(({ key }) => key)).size).toBe(4)
    const tokens = await Promise.all(handles.map((handle) => handle.get()))
    expect((tokens[2]?.remaining() ?? 0) > 110 * MINUTE).toBe(true)
    expect(await callerOf(sts, handles[1] ?? environment())).toContain('partner/report')
    expect(environment({ ...base, region: 'eu-west-1' }).key).toBe(handles[0]?.key)
  })
})

describe('credentials that are not available', () => {
  it.each([
    ['AccessDenied', 403, 'SourceRefusedError', 'refused', /needs sts:AssumeRole.*trust policy/],
    ['ValidationError', 400, 'SourceRefusedError', 'refused', /ValidationError \(400\)/],
    ['RegionDisabledException', 403, 'SourceRefusedError', 'refused', /RegionDisabled/],
    ['Throttling', 400, 'SourceUnavailableError', 'throttled', /Throttling/],
    ['TooManyRequestsException', 429, 'SourceUnavailableError', 'throttled', /429/],
    ['InternalFailure', 500, 'SourceUnavailableError', 'unavailable', /500/],
    ['ExpiredTokenException', 403, 'SourceUnavailableError', 'unavailable', /credentials are not accepted/],
    ['InvalidClientTokenId', 403, 'SourceUnavailableError', 'unavailable', /credentials are not accepted/],
  ])('because of %s (%i) are a %s, %s', async (code, status, name, kind, why) => {
    const { sts, fetchOnce } = await setUp()
    sts.failNext(stsError(code, { status, message: 'marked text of STS' }))
    const error = await failureOf(fetchOnce())
    expect(error).toMatchObject({ name, kind, code, retryable: name === 'SourceUnavailableError' })
    expect(error.message).toMatch(why)
    expect(error.message).toContain(roleArn)
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('marked')
  })

  it('say how long to wait where STS says it', async () => {
    const { sts, fetchOnce } = await setUp()
    const { headers, ...answer } = stsError('Throttling')
    sts.failNext({ ...answer, headers: { ...headers, 'retry-after': '30' } })
    expect(await failureOf(fetchOnce())).toMatchObject({ kind: 'throttled', retryAfter: 30_000 })
  })

  it('because nobody answers are unavailable', async () => {
    const { sts, fetchOnce } = await setUp()
    await sts.close()
    expect(await failureOf(fetchOnce())).toMatchObject({ code: 'SOURCE_UNREACHABLE', retryable: true })
  })

  it('end with the signal', async () => {
    const { sts } = await setUp()
    sts.failNext('hang')
    const source = assumeRole({ roleArn, client: new STSClient({ ...settingsOf(sts), maxAttempts: 1 }) })
    const controller = new AbortController()
    const call = source.fetch(requestWith(controller.signal))
    controller.abort()
    expect(await failureOf(call)).toMatchObject({ code: 'SOURCE_TIMEOUT', retryable: true })
  })

  it.each([
    ['no session token', '<SessionToken>.*</SessionToken>', '', 'BAD_TOKEN'],
    ['a secret that no header carries', '<SecretAccessKey>[^<]*', '<SecretAccessKey>marked\u00e9', 'BAD_TOKEN'],
    ['no expiration', '<Expiration>.*</Expiration>', '', 'BAD_LIFE'],
    ['an expiration in the past', '<Expiration>[^<]*', '<Expiration>2020-01-01T00:00:00Z', 'BAD_LIFE'],
  ])('because the answer has %s are unavailable', async (_name, part, instead, code) => {
    const { sts, fetchOnce } = await setUp()
    const credentials =
      '<AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>marked-secret</SecretAccessKey>' +
      '<SessionToken>marked-token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>'
    const body = `<AssumeRoleResponse><AssumeRoleResult><Credentials>${credentials.replace(new RegExp(part), instead)}</Credentials></AssumeRoleResult></AssumeRoleResponse>`
    sts.failNext({ headers: { 'content-type': 'text/xml' }, body })
    const error = await failureOf(fetchOnce())
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code })
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('marked')
  })

  it('hold the whole fleet back after a refusal: one call, however many ask', async () => {
    const { sts, environment } = await setUp()
    sts.failNext(stsError('AccessDenied', { status: 403 }), 100)
    for (let i = 0; i < 5; i += 1) {
      const error = await failureOf(environment().get())
      expect(error).toMatchObject({ name: 'SourceRefusedError', code: 'AccessDenied' })
    }
    expect(sts.requests).toBe(1)
  })
})

describe('credentialsFrom', () => {
  it('refuses a token that holds no credentials, without showing it', async () => {
    for (const [value, type] of [
      ['marked', 'Bearer'],
      ['marked', 'AWS4'],
      ['{"accessKeyId":"marked"}', 'AWS4'],
      ['null', 'AWS4'],
    ] as const) {
      const source = custom({ identity: 'app', fetch: async () => ({ value, type, lifetime: 3_600_000 }) })
      const handle = createTokens({ store: memoryStore(), directory: false }).use(source)
      const error = await failureOf(credentialsFrom(handle)())
      expect(error).toBeInstanceOf(TypeError)
      expect(inspect(error)).not.toContain('marked')
    }
  })
})

describe('the options of a role', () => {
  it.each([
    ['roleArn', {}],
    ['roleArn', { roleArn: 'partner' }],
    ['roleArn', { roleArn: 'arn:aws:iam::123456789012:user/partner' }],
    ['sessionName', { roleArn, sessionName: 'a' }],
    ['sessionName', { roleArn, sessionName: 'a b' }],
    ['duration', { roleArn, duration: 3_600 }],
    ['duration', { roleArn, duration: 900_001 }],
    ['duration', { roleArn, duration: 86_400_000 }],
    ['externalId', { roleArn, externalId: '' }],
    ['policy', { roleArn, policy: 'Allow' }],
    ['policy', { roleArn, policy: `{"a":"${'x'.repeat(2_048)}"}` }],
    ['client', { roleArn, client: {} }],
    ['endpoint', { roleArn, endpoint: 'localhost:4566' }],
    ['role', { roleArn, role: 'x' }],
  ])('name "%s" when it is wrong', (name, options) => {
    expect(() => assumeRole(options as AssumeRoleOptions)).toThrow(TypeError)
    expect(() => assumeRole(options as AssumeRoleOptions)).toThrow(`"${name}"`)
  })

  it.each(['arn:aws-cn:iam::123456789012:role/a', 'arn:aws-us-gov:iam::123456789012:role/path/of/a'])(
    'take %s',
    (arn) => {
      expect(() => assumeRole({ roleArn: arn })).not.toThrow()
    },
  )
})
