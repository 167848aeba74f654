import { AppType, Client, LoggerLevel, withTenantKey } from '@larksuiteoapi/node-sdk'
import { createTokens, plaintext } from '@warmtoken/core'
import { feishuStoreTenant, ticketInbox } from '@warmtoken/core/feishu'
import { type FeishuSdkCache, feishuSdkCache } from '@warmtoken/core/feishu-sdk'
import { gitHubInstallation } from '@warmtoken/core/github'
import { memoryStore } from '@warmtoken/core/memory'
import { msalCachePlugin } from '@warmtoken/core/msal'
import { octokitCache } from '@warmtoken/core/octokit'
import { startEntra, startFeishu, startGitHub } from '@warmtoken/local/issuers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sdk as feishu } from './sdks/feishu.ts'
import { sdk as msal, msalApp, SCOPES } from './sdks/msal.ts'
import { octokitAuth } from './sdks/octokit.ts'

function toolkit() {
  const store = memoryStore()
  return { store, tokens: createTokens({ store, directory: false }) }
}

describe('the plugin for msal', () => {
  const setUp = async (tokenLifetime = 3_599_000) => {
    const issuer = await startEntra({ tokenLifetime })
    onTestFinished(() => issuer.close())
    const place = { url: issuer.url, clientId: issuer.clientId, secret: 'local-secret' }
    const handle = msal.handle(toolkit().tokens, place)
    const given = {
      handle,
      clientId: issuer.clientId,
      tenantId: 'tenant-1',
      scopes: SCOPES,
      authorityHost: issuer.host,
    }
    return { issuer, place, handle, plugin: msalCachePlugin(given) }
  }
  const ask = async (app: ReturnType<typeof msalApp>, scopes = SCOPES) => {
    const result = await app.acquireTokenByClientCredential({ scopes })
    return result ?? expect.unreachable('msal gave nothing')
  }

  it('tells msal the end of a token as it is', async () => {
    const { place, plugin, handle } = await setUp()
    const { expiresOn, extExpiresOn, fromCache } = await ask(msalApp(place, plugin))
    const { expiresAt } = await handle.get()
    expect(fromCache).toBe(true)
    expect(Math.abs((expiresOn?.getTime() ?? 0) - expiresAt)).toBeLessThan(3_000)
    expect(extExpiresOn).toEqual(expiresOn)
  })

  it('tells the true end of a short one by another name', async () => {
    const { place, plugin, handle } = await setUp(170_000)
    const { expiresOn, extExpiresOn } = await ask(msalApp(place, plugin))
    const { expiresAt } = await handle.get()
    expect((expiresOn?.getTime() ?? 0) - expiresAt).toBeGreaterThan(100_000)
    expect(Math.abs((extExpiresOn?.getTime() ?? 0) - expiresAt)).toBeLessThan(3_000)
  })

  it('gives nothing to an application of another tenant, nor for another scope', async () => {
    const { issuer, place, plugin, handle } = await setUp()
    const ours = (await handle.get()).value
    const stranger = await ask(msalApp({ ...place, tenant: 'tenant-2' }, plugin))
    expect(issuer.tenantOf(stranger.accessToken)).toBe('tenant-2')
    const other = await ask(msalApp(place, plugin), ['api://other/.default'])
    expect(other.accessToken).not.toBe(ours)
    expect([stranger.fromCache, other.fromCache]).toEqual([false, false])
    expect((await ask(msalApp(place, plugin))).accessToken).toBe(ours)
  })

  it('takes over nothing that msal asked for on its own', async () => {
    const { place, plugin, handle } = await setUp()
    const ours = (await handle.get()).value
    const app = msalApp(place, plugin)
    const theirs = await app.acquireTokenByClientCredential({ scopes: SCOPES, skipCache: true })
    expect(theirs?.accessToken).not.toBe(ours)
    expect((await ask(app)).accessToken).toBe(ours)
    expect((await handle.get()).value).toBe(ours)
  })

  it.each(['handle', 'clientId', 'tenantId', 'scopes'])('requires the option "%s"', async (name) => {
    const { handle } = await setUp()
    const options = { handle, clientId: 'a', tenantId: 'b', scopes: SCOPES, [name]: undefined }
    expect(() => msalCachePlugin(options as never)).toThrow(`"${name}"`)
  })
})

describe('the cache for the Feishu SDK', () => {
  const app = { appId: 'cli_local', appSecret: 'local-secret' }
  const setUp = async () => {
    const issuer = await startFeishu()
    onTestFinished(() => issuer.close())
    const place = { url: issuer.url, clientId: app.appId, secret: app.appSecret }
    const { tokens, store } = toolkit()
    return { issuer, tokens, store, handle: feishu.handle(tokens, place) }
  }
  const clientOf = (domain: string, cache: FeishuSdkCache, appId = app.appId, appType = AppType.SelfBuild): Client =>
    new Client({ ...app, appId, appType, domain, cache, loggerLevel: LoggerLevel.error })
  const users = { method: 'GET', url: '/open-apis/contact/v3/users' }

  it('serves the tenants of a store app, each its own token, and has no ticket pushed', async () => {
    const { issuer, tokens, store } = await setUp()
    const inbox = ticketInbox({ appId: app.appId, store, codec: plaintext() })
    await inbox.put(issuer.newTicket())
    const source = feishuStoreTenant({ ...app, baseUrl: issuer.url, allowInsecure: true, inbox })
    const cache = feishuSdkCache({ appId: app.appId, tenants: tokens.use(source) })
    const client = clientOf(issuer.url, cache, app.appId, AppType.ISV)
    for (const tenant of ['tenant-1', 'tenant-2', 'tenant-1'])
      expect(await client.request(users, withTenantKey(tenant))).toMatchObject({ code: 0 })
    // The app's own, and one for each company.
    expect([issuer.requests, issuer.resends]).toEqual([3, 0])
    const given = ['tenant-1', 'tenant-2'].map((tenant) => client.tokenManager.getMarketTenantAccessToken(tenant))
    expect(new Set(await Promise.all(given)).size).toBe(2)
  })

  it('gives nothing to a client of another app', async () => {
    const { issuer, handle } = await setUp()
    const client = clientOf(issuer.url, feishuSdkCache({ appId: app.appId, tenant: handle }), 'cli_other')
    await expect(client.request(users)).rejects.toThrow('another app')
    expect(issuer.requests).toBe(0)
  })

  it('hands all else to the cache that it is given, and without one loses nothing silently', async () => {
    const { handle } = await setUp()
    const kept = new Map<unknown, unknown>()
    const others: FeishuSdkCache = {
      get: async (key) => kept.get(key),
      set: async (key, value) => kept.set(key, value).size > 0,
    }
    const cache = feishuSdkCache({ appId: app.appId, tenant: handle, others })
    expect(await cache.set('a user', 'a token')).toBe(true)
    expect(await cache.get('a user')).toBe('a token')
    const alone = feishuSdkCache({ appId: app.appId, tenant: handle })
    expect(await alone.get('a user')).toBeUndefined()
    await expect(alone.set('a user', 'a token')).rejects.toThrow('"others"')
  })

  it('wants one of the two kinds of token', async () => {
    const { handle } = await setUp()
    expect(() => feishuSdkCache({ appId: 'a' })).toThrow('either option "tenant" or option "tenants"')
    const both = { appId: 'a', tenant: handle, tenants: { for: () => handle } }
    expect(() => feishuSdkCache(both)).toThrow('either option "tenant" or option "tenants"')
    expect(() => feishuSdkCache({ tenant: handle } as never)).toThrow('"appId"')
  })
})

describe('the cache for octokit', () => {
  const setUp = async () => {
    const issuer = await startGitHub()
    onTestFinished(() => issuer.close())
    const place = { url: issuer.url, clientId: issuer.clientId, secret: issuer.privateKey }
    const source = gitHubInstallation({
      clientId: issuer.clientId,
      privateKey: issuer.privateKey,
      baseUrl: issuer.url,
      allowInsecure: true,
    })
    const family = toolkit().tokens.use(source)
    return { issuer, place, family }
  }

  it('says what the token may do, and its dates', async () => {
    const { place, family, issuer } = await setUp()
    const handle = family.for({ installationId: 2 })
    const auth = octokitAuth(place, octokitCache(family))
    const given = await auth({ type: 'installation', installationId: 2 })
    const token = await handle.get()
    expect(given).toMatchObject({
      token: token.value,
      installationId: 2,
      permissions: { issues: 'write', metadata: 'read' },
      repositorySelection: 'all',
    })
    expect(Math.abs(Date.parse(given.expiresAt) - token.expiresAt)).toBeLessThan(3_000)
    expect(Math.abs(Date.parse(given.createdAt) - token.issuedAt)).toBeLessThan(3_000)
    expect(issuer.requests).toBe(1)
  })

  it('tells choices apart', async () => {
    const { place, family, issuer } = await setUp()
    const choices = [
      { repositoryNames: ['one'] },
      { repositoryIds: [12, 11] },
      { permissions: { contents: 'read' } },
    ] as const
    const auth = octokitAuth(place, octokitCache(family, choices))
    const ask = (choice: object) => auth({ type: 'installation', installationId: 1, ...choice })
    const given = [await ask({}), ...(await Promise.all(structuredClone(choices).map(ask)))]
    expect(new Set(given.map(({ token }) => token)).size).toBe(4)
    expect(given[1]).toMatchObject({ repositorySelection: 'selected', repositoryNames: ['one'] })
    expect(given[3]).toMatchObject({ repositorySelection: 'all', permissions: { contents: 'read' } })
    expect(issuer.requests).toBe(4)
  })

  it('gives no token for a choice that it was not told of, and none that could be another', async () => {
    const { place, family, issuer } = await setUp()
    const auth = octokitAuth(place, octokitCache(family, [{ repositoryNames: ['contents'] }]))
    await expect(auth({ type: 'installation', installationId: 1, repositoryIds: [11] })).rejects.toThrow('choices')
    const alike = [{ repositoryNames: ['contents'] }, { permissions: { contents: 'read' } }] as const
    expect(() => octokitCache(family, alike)).toThrow('look the same')
    expect(() => octokitCache({} as never)).toThrow(TypeError)
    expect(issuer.requests).toBe(0)
  })

  it('is passed by when the library is told to refresh, and takes nothing over', async () => {
    const { place, family, issuer } = await setUp()
    const auth = octokitAuth(place, octokitCache(family))
    const ours = (await auth({ type: 'installation', installationId: 1 })).token
    const theirs = await auth({ type: 'installation', installationId: 1, refresh: true })
    expect(theirs.token).not.toBe(ours)
    expect((await auth({ type: 'installation', installationId: 1 })).token).toBe(ours)
    expect(issuer.requests).toBe(2)
  })
})
