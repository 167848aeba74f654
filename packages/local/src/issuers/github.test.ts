import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GitHubImitation, startGitHub } from './github.ts'

let github: GitHubImitation
beforeAll(async () => {
  github = await startGitHub({ settleTime: 2_000 })
})
afterAll(() => github.close())

interface Claims {
  readonly iat?: number
  readonly exp?: number
  readonly iss?: string
  readonly key?: string
  readonly alg?: string
}

/** An assertion whose `iat` and `exp` are seconds from now on the issuer's clock. */
async function sign({ iat = -60, exp = 540, iss = github.clientId, key = github.privateKey, alg = 'RS256' }: Claims) {
  const now = Math.floor(github.now() / 1_000)
  const claims = { iss, iat: now + iat, exp: now + exp }
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(createPrivateKey(key))
}

interface Answered {
  readonly token: string
  readonly expires_at: string
  readonly permissions: object
  readonly message: string
}

async function ask(installation: number | string, body: object = {}, assertion?: string) {
  const response = await fetch(`${github.url}/app/installations/${installation}/access_tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${assertion ?? (await sign({}))}` },
    body: JSON.stringify(body),
  })
  return { status: response.status, date: response.headers.get('date'), body: (await response.json()) as Answered }
}

async function see(token: string) {
  const response = await fetch(`${github.url}/installation/repositories`, {
    headers: { authorization: `token ${token}` },
  })
  const { repositories } = (await response.json()) as { repositories?: readonly { name: string }[] }
  return { status: response.status, names: repositories?.map(({ name }) => name) }
}

describe('an installation token', () => {
  it('is 201 with an hour by the issuer’s clock and all that is granted', async () => {
    const { status, date, body } = await ask(1)
    expect(status).toBe(201)
    expect(body.permissions).toEqual({ contents: 'write', metadata: 'read' })
    const lifetime = Date.parse(body.expires_at) - Date.parse(date ?? '')
    expect(lifetime).toBeGreaterThan(3_598_000)
    expect(lifetime).toBeLessThanOrEqual(3_601_000)
  })

  it('is refused by the API for some seconds, then good, and over after an hour', async () => {
    const { token } = (await ask(1)).body
    expect((await see(token)).status).toBe(401)
    github.advance(2_000)
    expect(await see(token)).toEqual({ status: 200, names: ['one', 'two'] })
    github.advance(3_600_000)
    expect((await see(token)).status).toBe(401)
  })

  it('is another each time, and each sees its own installation', async () => {
    const one = (await ask(1)).body.token
    const again = (await ask(1)).body.token
    const two = (await ask(2)).body.token
    github.advance(2_000)
    expect(new Set([one, again, two]).size).toBe(3)
    expect([(await see(one)).names, (await see(two)).names]).toEqual([
      ['one', 'two'],
      ['three', 'four'],
    ])
  })

  it('is narrowed to repositories and permissions; an empty list narrows nothing', async () => {
    const { body } = await ask(1, { repositories: ['one'], permissions: { contents: 'read' } })
    const byId = await ask(1, { repository_ids: [12] })
    const all = await ask(1, { repositories: [], permissions: {} })
    github.advance(2_000)
    expect(body.permissions).toEqual({ contents: 'read' })
    expect([(await see(body.token)).names, (await see(byId.body.token)).names]).toEqual([['one'], ['two']])
    expect((await see(all.body.token)).names).toEqual(['one', 'two'])
  })

  it.each([
    ['a repository that is not there', { repositories: ['three'] }],
    ['a right that was not granted', { permissions: { issues: 'read' } }],
    ['more than was granted', { permissions: { metadata: 'write' } }],
  ])('is 422 for %s', async (_name, body) => {
    expect((await ask(1, body)).status).toBe(422)
  })

  it('is 404 for an unknown installation and 403 for a suspended one', async () => {
    expect((await ask(99)).status).toBe(404)
    expect((await ask('__proto__')).status).toBe(404)
    github.suspend(2, true)
    expect((await ask(2)).status).toBe(403)
    github.suspend(2, false)
    expect((await ask(2)).status).toBe(201)
  })

  it('can be taken back', async () => {
    const { token } = (await ask(1)).body
    github.advance(2_000)
    github.revokeAll()
    expect((await see(token)).status).toBe(401)
  })
})

describe('an assertion', () => {
  const another = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  })
  it.each<[string, Claims, string]>([
    ['from the future', { iat: 5 }, "'iat'"],
    ['that is over', { exp: -1 }, "'exp'"],
    ['that lives more than ten minutes', { exp: 605 }, 'too far'],
    ['of another App', { iss: 'Iv1.other' }, "'iss'"],
    ['by another key', { key: another.toString() }, 'decoded'],
    ['by another algorithm', { alg: 'PS256' }, 'decoded'],
  ])('%s is 401', async (_name, claims, why) => {
    const { status, body } = await ask(1, {}, await sign(claims))
    expect(status).toBe(401)
    expect(body.message).toContain(why)
  })

  it.each(['', 'x', 'a.b.c', 'e30.e30.', 'e30.e30.x.y'])('that is none (%j) is 401', async (assertion) => {
    expect((await ask(1, {}, assertion)).status).toBe(401)
  })

  it('may name the App by its id', async () => {
    expect((await ask(1, {}, await sign({ iss: `${github.appId}` }))).status).toBe(201)
    expect(github.assertions.length).toBe(github.requests)
  })
})
