import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { SourceRefusedError, SourceUnavailableError, WarmTokenError } from '../../errors.ts'
import type { WarmEvent } from '../../events.ts'
import { memoryStore } from '../../stores/memory.ts'
import { createTokens } from '../../tokens/tokens.ts'
import type { TokenHandle } from '../../tokens/types.ts'
import { answer, type Script, type ScriptedIssuer, startScriptedIssuer } from '../shared/scripted-issuer.test-server.ts'
import { type ClientCredentialsOptions, clientCredentials } from './index.ts'

/** In every secret, and in every body of an issuer: nothing that comes out may contain them. */
const SECRET = 'MARKED-secret'
const BODY = 'MARKED-body'

const running: ScriptedIssuer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

interface Setup {
  readonly issuer: ScriptedIssuer
  readonly handle: TokenHandle
  readonly events: WarmEvent[]
}

async function setUp(script: Script, options: Partial<ClientCredentialsOptions> = {}): Promise<Setup> {
  const issuer = await startScriptedIssuer(script)
  running.push(issuer)
  const events: WarmEvent[] = []
  const tokens = createTokens({
    store: memoryStore(),
    directory: false,
    sourceTimeout: 400,
    onEvent: (event) => events.push(event),
  })
  const source = clientCredentials({
    tokenEndpoint: `${issuer.url}/token`,
    allowInsecure: true,
    clientId: 'crm',
    ...(options.privateKey === undefined && { clientSecret: SECRET }),
    ...options,
  })
  return { issuer, handle: tokens.use(source), events }
}

/** All that a program could log of an error, as text. */
function shown(error: unknown): string {
  const parts: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) {
    parts.push(at.message, at.stack ?? '', JSON.stringify(at), inspect(at, { depth: 20, showHidden: true }))
  }
  return parts.join('\n')
}

async function failureOf(handle: TokenHandle): Promise<WarmTokenError> {
  const error = await handle.get().then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(error instanceof WarmTokenError)) throw new Error(`not a typed error: ${inspect(error)}`)
  return error
}

const good = { access_token: `${BODY}-token`, token_type: 'Bearer', expires_in: 3600 }

const BAD: readonly (readonly [string, Script, string])[] = [
  ['is not JSON', answer(`<html>${BODY}</html>`), 'BAD_ANSWER'],
  ['is empty', answer(''), 'BAD_ANSWER'],
  ['is a JSON list', answer([BODY]), 'BAD_ANSWER'],
  ['is JSON cut short', answer(JSON.stringify(good).slice(0, -4)), 'BAD_ANSWER'],
  ['lacks a token', answer({ ...good, access_token: undefined, note: BODY }), 'BAD_TOKEN'],
  ['has an empty token', answer({ ...good, access_token: '' }), 'BAD_TOKEN'],
  ['has a token that is not a string', answer({ ...good, access_token: { it: BODY } }), 'BAD_TOKEN'],
  ['has a token with a line break', answer({ ...good, access_token: `${BODY}\r\nx-more: 1` }), 'BAD_TOKEN'],
  ['has a token of letters that no header takes', answer({ ...good, access_token: `${BODY}é` }), 'BAD_TOKEN'],
  ['has a token type that is no word', answer({ ...good, token_type: `${BODY} x` }), 'BAD_TOKEN'],
  ['is larger than 64 KB', answer({ ...good, filler: BODY.repeat(6_000) }), 'SOURCE_TOO_LARGE'],
  ['redirects', answer(BODY, 302, { location: `/elsewhere?${BODY}` }), 'SOURCE_REDIRECT'],
  ['redirects with the body kept', answer(BODY, 307, { location: `/elsewhere?${BODY}` }), 'SOURCE_REDIRECT'],
  ['hangs', () => {}, 'SOURCE_TIMEOUT'],
  ['hangs after its headers', (response) => response.flushHeaders(), 'SOURCE_TIMEOUT'],
  ['is a status 500', answer({ error: 'invalid_client', note: BODY }, 500), 'HTTP_500'],
  ['is a status 503', answer(BODY, 503), 'HTTP_503'],
  ['is an error that may pass', answer({ error: 'temporarily_unavailable' }, 400), 'temporarily_unavailable'],
  ['is a connection that closes', (response) => response.destroy(), 'SOURCE_UNREACHABLE'],
  [
    'breaks off',
    (response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write(`{"access_token":"${BODY}`, () => response.destroy())
    },
    'SOURCE_BROKEN',
  ],
]

const REFUSALS: readonly (readonly [string, Script, string])[] = [
  ['401 invalid_client', answer({ error: 'invalid_client', error_description: BODY }, 401), 'invalid_client'],
  ['400 unauthorized_client', answer({ error: 'unauthorized_client' }, 400), 'unauthorized_client'],
  ['400 invalid_scope', answer({ error: 'invalid_scope', error_uri: BODY }, 400), 'invalid_scope'],
  ['200 with an error', answer({ ...good, error: 'invalid_grant', error_description: BODY }), 'invalid_grant'],
  ['200 with an error that is no word', answer({ ...good, error: `${BODY} because` }), 'HTTP_200'],
  ['403 without JSON', answer(BODY, 403), 'HTTP_403'],
]

describe('an answer of the issuer that', () => {
  it.each(BAD)('%s is a passing error and never a token', async (_name, script, code) => {
    const { issuer, handle, events } = await setUp(script)
    const error = await failureOf(handle)
    expect(error).toBeInstanceOf(SourceUnavailableError)
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code, retryable: true, key: handle.key })
    expect(handle.peek()).toBeUndefined()
    // The next call obeys the cool-down: the same code, and no request.
    const asked = issuer.received.length
    expect((await failureOf(handle)).code).toBe(code)
    expect(issuer.received.length).toBe(asked)
    expect(events.map(({ type }) => type)).not.toContain('publish')
    for (const mark of [SECRET, BODY]) expect(shown(error) + JSON.stringify(events)).not.toContain(mark)
  })

  it.each(REFUSALS)('is %s is a refusal and never a token', async (_name, script, code) => {
    const { issuer, handle, events } = await setUp(script)
    const error = await failureOf(handle)
    expect(error).toBeInstanceOf(SourceRefusedError)
    expect(error).toMatchObject({ name: 'SourceRefusedError', code, retryable: false, key: handle.key })
    expect(error.retryAt).toBeGreaterThan(Date.now())
    expect((await failureOf(handle)).code).toBe(code)
    expect(issuer.received.length).toBe(1)
    for (const mark of [SECRET, BODY]) expect(shown(error) + JSON.stringify(events)).not.toContain(mark)
  })

  it('asks for patience is obeyed for as long as it says', async () => {
    const { issuer, handle } = await setUp(answer(BODY, 429, { 'retry-after': '120' }))
    const before = Date.now()
    const error = await failureOf(handle)
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code: 'HTTP_429', retryable: true })
    expect(error.retryAt).toBeGreaterThanOrEqual(before + 119_000)
    await failureOf(handle)
    expect(issuer.received.length).toBe(1)
    expect(shown(error)).not.toContain(BODY)
  })

  it('asks for patience until a date is obeyed by its own clock', async () => {
    const date = new Date(Date.now() - 3_600_000)
    const until = new Date(date.getTime() + 300_000)
    const headers = { date: date.toUTCString(), 'retry-after': until.toUTCString() }
    const { handle } = await setUp(answer(BODY, 503, headers))
    const before = Date.now()
    expect((await failureOf(handle)).retryAt).toBeGreaterThanOrEqual(before + 298_000)
  })

  it('never ends is not read to its end', async () => {
    let closed: () => void = () => {}
    const gone = new Promise<void>((resolve) => {
      closed = resolve
    })
    const { handle } = await setUp((response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(8_192))) {}
      }
      response.on('drain', more).on('close', closed)
      more()
    })
    expect((await failureOf(handle)).code).toBe('SOURCE_TOO_LARGE')
    await gone
  })

  it('redirects gets no second request, so the secret goes nowhere else', async () => {
    const other = await startScriptedIssuer(answer(good))
    running.push(other)
    const { handle } = await setUp(answer('', 308, { location: `${other.url}/token` }))
    await failureOf(handle)
    expect(other.received).toEqual([])
  })

  it('does not tell a life gets the one of the options', async () => {
    const { handle } = await setUp(answer({ ...good, expires_in: undefined }), { lifetime: 60_000 })
    const token = await handle.get()
    expect(token.expiresAt - token.issuedAt).toBe(60_000)
  })

  it('is good is a token, and its type is written as APIs expect it', async () => {
    const { handle } = await setUp(answer({ ...good, token_type: 'bEARER' }))
    expect((await handle.get()).headers()).toEqual({ authorization: `Bearer ${good.access_token}` })
  })
})

describe('an issuer that is not there', () => {
  it('is a typed error without its address or the secret', async () => {
    const issuer = await startScriptedIssuer(answer(good))
    await issuer.close()
    const { handle } = await setUp(answer(good), { tokenEndpoint: `${issuer.url}/token?${BODY}` })
    const error = await failureOf(handle)
    expect(error).toMatchObject({ code: 'SOURCE_UNREACHABLE', retryable: true })
    for (const mark of [SECRET, BODY]) expect(shown(error)).not.toContain(mark)
  })
})

describe('a secret that is', () => {
  it.each([
    ['empty', ''],
    ['no text', 42],
  ])('%s is a refusal, and nobody is asked', async (_name, secret) => {
    const { issuer, handle } = await setUp(answer(good), { clientSecret: () => secret as string })
    expect(await failureOf(handle)).toMatchObject({ code: 'BAD_SECRET', retryable: false })
    expect(issuer.received).toEqual([])
  })

  it('that is not available is a typed error that does not repeat what was thrown', async () => {
    const { handle } = await setUp(answer(good), {
      clientSecret: () => Promise.reject(new Error(`no access to ${SECRET}`)),
    })
    const error = await failureOf(handle)
    expect(error).toMatchObject({ code: 'SECRET_FAILED', retryable: true })
    expect(shown(error)).not.toContain(SECRET)
  })

  it('no key is a refusal that does not repeat it', async () => {
    const { handle } = await setUp(answer(good), {
      privateKey: `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`,
    })
    const error = await failureOf(handle)
    expect(error).toMatchObject({ code: 'BAD_KEY', retryable: false })
    expect(shown(error)).not.toContain(SECRET)
  })
})
