import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { ApiAnswer } from '../../contracts.ts'
import { fetchRequest } from '../shared/fetch-request.test-data.ts'
import { answer, type Script, type ScriptedIssuer, startScriptedIssuer } from '../shared/scripted-issuer.test-server.ts'
import { type DingTalkOptions, dingTalk } from './index.ts'

let issuer: ScriptedIssuer | undefined
afterEach(async () => {
  await issuer?.close()
  issuer = undefined
})

const APP = { appKey: 'ding-test', appSecret: 'MARKED-secret' }
async function ask(script: Script): Promise<unknown> {
  issuer = await startScriptedIssuer(script)
  const source = dingTalk({ ...APP, baseUrl: `${issuer.url}/`, allowInsecure: true })
  return source.fetch(fetchRequest(undefined)).catch((error: unknown) => {
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('MARKED')
    return error
  })
}

describe('an answer of DingTalk', () => {
  it('gives a token and its life', async () => {
    const issued = await ask(answer({ accessToken: 'fw8ef8we8f76', expireIn: 7_200 }))
    expect(issued).toEqual({ value: { value: 'fw8ef8we8f76', type: 'Bearer' }, lifetime: 7_200_000 })
    expect(issuer?.received.map(({ method, path }) => [method, path])).toEqual([['POST', '/v1.0/oauth2/accessToken']])
    expect(issuer?.received[0]?.headers['content-type']).toMatch(/^application\/json/)
  })

  it.each([
    [{ code: 'invalidClientIdOrSecret', message: 'MARKED' }, 400, 'SourceRefusedError', 'invalidClientIdOrSecret'],
    [{ code: 'InvalidAction', message: 'MARKED' }, 200, 'SourceRefusedError', 'InvalidAction'],
    [{ code: 88, message: 'MARKED' }, 200, 'SourceRefusedError', '88'],
    [{ code: 'MARKED code <b>' }, 400, 'SourceRefusedError', 'HTTP_400'],
    [{ code: null }, 200, 'SourceUnavailableError', 'BAD_TOKEN'],
    [{}, 403, 'SourceRefusedError', 'HTTP_403'],
    ['MARKED', 400, 'SourceUnavailableError', 'BAD_ANSWER'],
    [{ code: 'unknownError' }, 500, 'SourceUnavailableError', 'HTTP_500'],
    [{ accessToken: '', expireIn: 7_200 }, 200, 'SourceUnavailableError', 'BAD_TOKEN'],
    [{ accessToken: 'MARKED\n', expireIn: 7_200 }, 200, 'SourceUnavailableError', 'BAD_TOKEN'],
    [{ accessToken: 'MARKED' }, 200, 'SourceUnavailableError', 'BAD_LIFE'],
    [{ accessToken: 'MARKED', expireIn: 'soon' }, 200, 'SourceUnavailableError', 'BAD_LIFE'],
  ])('like %j with %i is a %s with the code %s', async (body, status, name, code) => {
    expect(await ask(answer(body, status))).toMatchObject({ name, code })
  })

  it.each([
    ['Forbidden.AccessDenied.QpsLimitForAppkeyAndApi', {}, undefined],
    ['Forbidden.AccessDenied.QpsLimitForApi', { 'retry-after': '3' }, 3_000],
  ])('asks for patience by %s', async (code, headers, retryAfter) => {
    const error = await ask(answer({ code, message: 'MARKED' }, 403, headers))
    expect(error).toMatchObject({ code, kind: 'throttled', retryAfter, retryable: true })
  })

  it('asks for patience by 429', async () => {
    const error = await ask(answer({}, 429, { 'retry-after': '3' }))
    expect(error).toMatchObject({ code: 'HTTP_429', kind: 'throttled', retryAfter: 3_000 })
  })

  it('is not waited for when the secret is none', async () => {
    issuer = await startScriptedIssuer(answer({}))
    const source = dingTalk({ ...APP, appSecret: () => '', baseUrl: issuer.url, allowInsecure: true })
    await expect(source.fetch(fetchRequest(undefined))).rejects.toMatchObject({ code: 'BAD_SECRET' })
    expect(issuer.received).toEqual([])
  })
})

describe('an API’s answer', () => {
  const judge = async (status: number, body: unknown, more: Partial<DingTalkOptions> = {}) => {
    const given: ApiAnswer = { status, headers: new Headers(), json: async () => body }
    return dingTalk({ ...APP, ...more }).traits?.isRejection?.(given)
  }

  it.each([
    [400, { code: 'InvalidAuthentication' }, true],
    [200, { errcode: 40014 }, true],
    [200, { errcode: 42001 }, true],
    [401, undefined, true],
    [200, { errcode: 0 }, false],
    [200, { errcode: 88 }, false],
    [403, { code: 'Forbidden.AccessDenied.AccessTokenPermissionDenied' }, false],
    [200, undefined, false],
    [200, {}, false],
    [500, 'oops', false],
  ])('with %i and %j is a rejection: %s', async (status, body, expected) => {
    expect(await judge(status, body)).toBe(expected)
  })

  it('is judged by the codes that are set up, instead of the usual ones', async () => {
    const more = { rejectionCodes: ['88', 'Gone'] }
    expect(await judge(200, { errcode: 88 }, more)).toBe(true)
    expect(await judge(400, { code: 'Gone' }, more)).toBe(true)
    expect(await judge(400, { code: 'InvalidAuthentication' }, more)).toBe(false)
    expect(await judge(200, { errcode: 40014 }, { rejectionCodes: [] })).toBe(false)
    expect(await judge(401, {}, { rejectionCodes: [] })).toBe(true)
  })
})

describe('a request to an API', () => {
  const attach = (address: string): readonly [string, Record<string, string>] => {
    const [url, headers] = [new URL(address), new Headers()]
    dingTalk(APP).traits?.attach?.({ url, headers }, { value: 'a&b', type: 'Bearer' })
    return [url.href, Object.fromEntries(headers)]
  }

  it.each(['https://api.dingtalk.com/v1.0/contact/users/me', 'https://example.com/ding/v2.0/x?y=/topapi/'])(
    'has the token in its own header: %s',
    (address) => {
      expect(attach(address)).toEqual([address, { 'x-acs-dingtalk-access-token': 'a&b' }])
    },
  )

  it.each(['https://oapi.dingtalk.com/topapi/v2/user/get', 'https://oapi.dingtalk.com/user/get?v=/v1.0/'])(
    'has it in the address where the API is an older one: %s',
    (address) => {
      const [href, headers] = attach(address)
      expect([new URL(href).searchParams.get('access_token'), headers]).toEqual(['a&b', {}])
      expect(new URL(href).pathname).toBe(new URL(address).pathname)
    },
  )
})

describe('the identity', () => {
  it('is told apart by application, address and secret, and shows no secret', async () => {
    const identityOf = (more: Partial<DingTalkOptions> = {}): string =>
      JSON.stringify(dingTalk({ ...APP, ...more }).identity(undefined))
    expect(identityOf()).not.toContain('MARKED')
    const others = [{ appKey: 'x' }, { appSecret: 'x' }, { appSecret: () => 'x' }, { baseUrl: 'https://example.com' }]
    expect(new Set([{}, ...others].map(identityOf)).size).toBe(5)
    expect(await dingTalk(APP).secretFingerprint?.()).toMatch(/^[0-9a-f]{8}$/)
  })
})

describe('wrong options', () => {
  it.each([
    [{ appSecret: 'x' }, 'appKey'],
    [{ appKey: 'x' }, 'appSecret'],
    [{ ...APP, baseUrl: 'http://example.com' }, 'baseUrl'],
    [{ ...APP, rejectionCodes: [40014] }, 'rejectionCodes'],
    [{ ...APP, rejectionCode: [] }, 'rejectionCode'],
  ])('%j are a TypeError that names "%s"', (options, name) => {
    expect(() => dingTalk(options as DingTalkOptions)).toThrow(TypeError)
    expect(() => dingTalk(options as DingTalkOptions)).toThrow(`"${name}"`)
  })
})
