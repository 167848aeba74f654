import type { TokenHandle } from '@warmtoken/core'
import { type GitHubInstallationOptions, gitHubInstallation } from '@warmtoken/core/github'
import { type GitHubImitation, type GitHubImitationOptions, startGitHub } from '@warmtoken/local/issuers'
import { afterEach, describe, expect, it } from 'vitest'
import { createFleet } from './fleet.ts'

const running: GitHubImitation[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

async function setUp(settings: GitHubImitationOptions = {}, more: Partial<GitHubInstallationOptions> = {}) {
  const github = await startGitHub(settings)
  running.push(github)
  const source = gitHubInstallation({
    clientId: github.clientId,
    privateKey: () => github.privateKey,
    baseUrl: github.url,
    allowInsecure: true,
    ...more,
  })
  return { github, source, fleet: createFleet() }
}

/** The repositories that the API shows for a handle's token; `fetch` of the handle repeats a refusal. */
async function see(github: GitHubImitation, handle: TokenHandle): Promise<readonly string[]> {
  const response = await handle.fetch(`${github.url}/installation/repositories`)
  expect(response.status).toBe(200)
  const { repositories } = (await response.json()) as { readonly repositories: readonly { readonly name: string }[] }
  return repositories.map(({ name }) => name)
}

function failureOf(handle: TokenHandle): Promise<unknown> {
  return handle.get().then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('installation tokens', () => {
  it('are asked for once by many environments, and never mixed', async () => {
    const { github, source, fleet } = await setUp()
    const seen = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        see(github, fleet.enterWith(source)({ installationId: 1 + (index % 2) })),
      ),
    )
    for (const [index, names] of seen.entries())
      expect(names).toEqual(index % 2 === 0 ? ['one', 'two'] : ['three', 'four'])
    expect(github.requests).toBe(2)
  })

  it('are narrowed to repositories and permissions, each choice a token of its own', async () => {
    const { github, source, fleet } = await setUp()
    const handleOf = fleet.enterWith(source)
    const one = handleOf({ installationId: 1, repositories: ['one'], permissions: { contents: 'read' } })
    const two = handleOf({ installationId: 1, repositoryIds: [12] })
    expect([await see(github, one), await see(github, two)]).toEqual([['one'], ['two']])
    expect((await one.get()).extra).toEqual({ permissions: { contents: 'read' } })
    expect(await see(github, handleOf({ installationId: 1 }))).toEqual(['one', 'two'])
  })

  it('of two hosts are two, though all else is the same', async () => {
    const one = await setUp()
    const two = await setUp({}, { privateKey: () => one.github.privateKey })
    const handles = [one, two].map(({ source }) => one.fleet.enterWith(source)({ installationId: 1 }))
    expect(handles[0]?.key).not.toBe(handles[1]?.key)
  })

  it('live by the issuer’s clock, however wrong the one here is', async () => {
    for (const ahead of [-240_000, 7_200_000, -7_200_000]) {
      const { github, source, fleet } = await setUp()
      github.advance(ahead)
      const token = await fleet.enterWith(source)({ installationId: 1 }).get()
      expect(token.expiresAt - token.issuedAt).toBeLessThanOrEqual(3_600_000)
      expect(token.expiresAt - token.issuedAt).toBeGreaterThan(3_595_000)
    }
  })

  it('are renewed before they end', async () => {
    const { github, source, fleet } = await setUp()
    const handle = fleet.enterWith(source)({ installationId: 1 })
    const first = await handle.get()
    fleet.advance(3_500_000, github)
    const second = await handle.get()
    expect(second.value).not.toBe(first.value)
    expect(await see(github, handle)).toEqual(['one', 'two'])
    // The machine's clock did not move with the fleet's; assertions are dated by the store's server, so none is refused.
    expect([github.requests, github.issued]).toEqual([2, 2])
  })

  it('that the API does not know yet are tried again, and not replaced', async () => {
    const { github, source, fleet } = await setUp({ settleTime: 1_000 })
    expect(await see(github, fleet.enterWith(source)({ installationId: 1 }))).toEqual(['one', 'two'])
    expect(github.requests).toBe(1)
  })

  it('that were taken back are replaced, once', async () => {
    const { github, source, fleet } = await setUp()
    const handle = fleet.enterWith(source)({ installationId: 1 })
    await handle.get()
    fleet.advance(60_000)
    github.revokeAll()
    const seen = await Promise.all(Array.from({ length: 5 }, () => see(github, handle)))
    expect([seen.length, github.requests]).toEqual([5, 2])
  })
})

describe('an error of the issuer', () => {
  const cases: readonly (readonly [string, (github: GitHubImitation) => number, string])[] = [
    ['an unknown installation', () => 99, 'GITHUB_404'],
    [
      'a suspended one',
      (github) => {
        github.suspend(2, true)
        return 2
      },
      'GITHUB_403',
    ],
  ]
  it.each(cases)('about %s is final, and costs one attempt for the fleet', async (_name, prepare, code) => {
    const { github, source, fleet } = await setUp()
    const installationId = prepare(github)
    for (let i = 0; i < 3; i += 1)
      expect(await failureOf(fleet.enterWith(source)({ installationId }))).toMatchObject({ code, retryable: false })
    expect(github.requests).toBe(1)
    expect(await see(github, fleet.enterWith(source)({ installationId: 1 }))).toEqual(['one', 'two'])
  })

  it('about a right that was not granted is final', async () => {
    const { source, fleet } = await setUp()
    const handle = fleet.enterWith(source)({ installationId: 1, permissions: { issues: 'read' } })
    expect(await failureOf(handle)).toMatchObject({ code: 'GITHUB_422', retryable: false })
  })

  it('about another key is final', async () => {
    const other = await setUp()
    const { source, fleet } = await setUp({}, { privateKey: other.github.privateKey })
    const error = await failureOf(fleet.enterWith(source)({ installationId: 1 }))
    expect(error).toMatchObject({ code: 'GITHUB_401', retryable: false })
  })

  it.each([403, 429])('about the secondary rate limit (%s) is obeyed by all for as long as it says', async (status) => {
    const { github, source, fleet } = await setUp()
    github.failNext({ status, headers: { 'retry-after': '120' }, body: { message: 'MARKED' } })
    for (let i = 0; i < 3; i += 1) {
      const error = await failureOf(fleet.enterWith(source)({ installationId: 1 }))
      expect(error).toMatchObject({ code: `GITHUB_${status}`, retryable: true })
      expect(String((error as Error).stack)).not.toContain('MARKED')
    }
    fleet.advance(105_000, github)
    await failureOf(fleet.enterWith(source)({ installationId: 1 }))
    expect(github.requests).toBe(1)
    fleet.advance(16_000, github)
    expect(await see(github, fleet.enterWith(source)({ installationId: 1 }))).toEqual(['one', 'two'])
  })
})

describe('a handle', () => {
  it('is not available without an installation', async () => {
    const { source, fleet } = await setUp()
    const handleOf = fleet.enterWith(source)
    // @ts-expect-error installationId is required
    expect(() => handleOf({})).toThrow(/"installationId"/)
  })
})
