/** What docs/peers.md says of warmtoken, for a fleet that shares a store; `pnpm behavior` puts the peers beside it. */

import { createTokens } from '@warmtoken/core'
import { gitHubInstallation } from '@warmtoken/core/github'
import { memoryStore } from '@warmtoken/core/memory'
import { clientCredentials } from '@warmtoken/core/oauth2'
import { refreshToken } from '@warmtoken/core/refresh-token'
import { startEntra, startGitHub, startRotatingIssuer } from '@warmtoken/local/issuers'
import { expect, it, onTestFinished } from 'vitest'
import { movable } from './movable.ts'
import { SCOPES } from './sdks/msal.ts'

const HOUR = 3_600_000

/** Environments that share a store and nothing else, and clocks that move together. */
function fleetOf(environments: number) {
  const { runtime, advance } = movable()
  const store = memoryStore(runtime)
  const fleet = Array.from({ length: environments }, () => createTokens({ store, directory: false, runtime }))
  return { fleet, advance }
}

async function setUp({ tokenLifetime = HOUR, clientSecret = 'local-secret', environments = 5 } = {}) {
  const issuer = await startEntra({ delay: 50, tokenLifetime })
  onTestFinished(() => issuer.close())
  const { fleet, advance } = fleetOf(environments)
  const source = clientCredentials({
    tokenEndpoint: `${issuer.url}/tenant-1/oauth2/v2.0/token`,
    clientId: issuer.clientId,
    clientSecret,
    scope: SCOPES,
    allowInsecure: true,
  })
  return { issuer, advance, handles: fleet.map((tokens) => tokens.use(source)) }
}

type Handles = Awaited<ReturnType<typeof setUp>>['handles']

/** So many gets, one after the other, by one environment after the other; resolves to the codes of those that failed. */
async function failuresOf(handles: Handles, times: number): Promise<readonly unknown[]> {
  const failures: unknown[] = []
  for (let i = 0; i < times; i += 1) {
    await handles[i % handles.length]?.get().catch((error: unknown) => failures.push(error))
  }
  return failures
}

it('fifty gets at once in each of five environments are one request', async () => {
  const { issuer, handles } = await setUp()
  const given = await Promise.all(handles.flatMap((handle) => Array.from({ length: 50 }, () => handle.get())))
  expect(new Set(given.map(({ value }) => value)).size).toBe(1)
  expect(issuer.requests).toBe(1)
})

it('ten gets with a wrong secret are one request for the fleet', async () => {
  const { issuer, handles } = await setUp({ clientSecret: 'wrong' })
  expect(await failuresOf(handles, 10)).toHaveLength(10)
  expect(issuer.requests).toBe(1)
})

it('ten gets at 429 with Retry-After 60 are one request for the fleet, and a minute later it is asked again', async () => {
  const { issuer, handles, advance } = await setUp()
  issuer.failNext({ status: 429, headers: { 'retry-after': '60' }, body: {} })
  expect(await failuresOf(handles, 10)).toHaveLength(10)
  // Those that have less time than the issuer asks for fail at once.
  advance(45_000)
  expect(await failuresOf(handles, 10)).toHaveLength(10)
  expect(issuer.requests).toBe(1)
  advance(16_000)
  expect(await failuresOf(handles, 10)).toEqual([])
  expect(issuer.requests).toBe(2)
})

it('ten gets at 500 are three requests or fewer, and the first get after the pause succeeds', async () => {
  const { issuer, handles, advance } = await setUp()
  issuer.failNext({ status: 500, body: {} }, 3)
  expect(await failuresOf(handles, 10)).toHaveLength(10)
  expect(issuer.requests).toBeLessThanOrEqual(3)
  // The second pause is two seconds, spread by a quarter.
  advance(2_600)
  expect(await failuresOf(handles, 1)).toEqual([])
})

it('one 500 fails none of five cold environments', async () => {
  const { issuer, handles } = await setUp()
  issuer.failNext({ status: 500, body: {} })
  expect(await failuresOf(handles, 5)).toEqual([])
  expect(issuer.requests).toBe(2)
})

it('a token with 170 s left serves without an error while the issuer is down', async () => {
  const { issuer, handles, advance } = await setUp({ tokenLifetime: 200_000 })
  await handles[0]?.get()
  advance(30_000)
  issuer.failNext({ status: 500, body: {} }, 100)
  expect(await failuresOf(handles, 10)).toEqual([])
})

it('a token of 170 s that is asked for five times is one request', async () => {
  const { issuer, handles } = await setUp({ tokenLifetime: 170_000 })
  expect(await failuresOf(handles, 5)).toEqual([])
  expect(issuer.requests).toBe(1)
})

it('ten rotations at once in each of four environments are one exchange, and nothing is spent twice', async () => {
  const issuer = await startRotatingIssuer({ delay: 50 })
  onTestFinished(() => issuer.close())
  const source = refreshToken({
    tokenEndpoint: issuer.tokenEndpoint,
    clientId: 'mailer',
    clientSecret: 'mailer-secret',
    account: 'ada',
    refreshToken: issuer.signIn('ada'),
    allowInsecure: true,
  })
  const { fleet, advance } = fleetOf(4)
  const handles = fleet.map((tokens) => tokens.use(source))
  const all = () => Promise.all(handles.flatMap((handle) => Array.from({ length: 10 }, () => handle.get())))
  const first = await all()
  expect([issuer.exchanges, issuer.reuses]).toEqual([1, 0])
  advance(HOUR)
  issuer.advance(HOUR)
  const second = await all()
  expect([issuer.exchanges, issuer.reuses, issuer.livingFamilies]).toEqual([2, 0, 1])
  expect(new Set([...first, ...second].map(({ value }) => value)).size).toBe(2)
})

it('two hosts with the same installation id have two tokens', async () => {
  const issuers = await Promise.all([startGitHub(), startGitHub()])
  onTestFinished(() => Promise.all(issuers.map((issuer) => issuer.close())).then(() => undefined))
  const [tokens] = fleetOf(1).fleet
  const handles = issuers.map(({ clientId, privateKey, url }) =>
    tokens
      ?.use(gitHubInstallation({ clientId, privateKey, baseUrl: url, allowInsecure: true }))
      .for({ installationId: 1 }),
  )
  const given = await Promise.all([...handles, ...handles].map((handle) => handle?.get()))
  expect(given.map((token) => token?.fingerprint)).toEqual([0, 1, 0, 1].map((i) => given[i]?.fingerprint))
  expect(new Set(given.map((token) => token?.value)).size).toBe(2)
  expect(issuers.map(({ requests }) => requests)).toEqual([1, 1])
})
