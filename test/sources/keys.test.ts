import { createTokens, type Source, type TokenValue } from '@warmtoken/core'
import { dingTalk } from '@warmtoken/core/dingtalk'
import { feishuApp, feishuTenant } from '@warmtoken/core/feishu'
import { gitHubInstallation, type Installation } from '@warmtoken/core/github'
import { jwtBearer } from '@warmtoken/core/jwt-bearer'
import { clientCredentials } from '@warmtoken/core/oauth2'
import { refreshToken } from '@warmtoken/core/refresh-token'
import { salesforce } from '@warmtoken/core/salesforce'
import { weChat, weChatLegacy } from '@warmtoken/core/wechat'
import { weCom } from '@warmtoken/core/wecom'
import { seededRandom } from '@warmtoken/local'
import { describe, expect, it } from 'vitest'

/** How many sets of options each source is given. All pairs of them are compared: two million for each. */
const SETS = 2_000

/** Texts that a careless key would confuse: separators, quotes, unicode forms, prefixes of each other. */
const TEXTS = [
  'a',
  'b',
  'a,b',
  'a b',
  'a|b',
  '["a","b"]',
  '{"a":1}',
  'a\u0000b',
  '\u00e9',
  'e\u0301',
  'A',
  'ab',
  '\ud83d\ude00',
  'a~b',
  'a:b',
  'a/b',
  '%61',
  'null',
  '1',
]
const URLS = [
  'https://a.example',
  'https://b.example',
  'https://a.example/x',
  'https://a.example:8443',
  'https://xn--e1afmkfd.example',
]

type Options = { readonly [name: string]: unknown }
/** Draws a value of a field; `undefined` leaves the field out. */
type Draw = (pick: <T>(list: readonly T[]) => T) => unknown

const text: Draw = (pick) => pick(TEXTS)
const url: Draw = (pick) => pick(URLS)
function maybe(draw: Draw): Draw {
  return (pick) => (pick([true, false]) ? draw(pick) : undefined)
}
const set: Draw = (pick) => Array.from({ length: pick([1, 2, 3]) }, () => pick(TEXTS))
/** Others than the addresses: who names the default means the same as who leaves it out. */
const audience: Draw = (pick) => pick(['https://c.example', 'https://c.example/', 'https://d.example'])
const repositories: Draw = (pick) =>
  Array.from({ length: pick([1, 2, 3]) }, () => pick(['a', 'b', 'a-b', 'a.b', 'ab', '1']))
const numbers: Draw = (pick) => Array.from({ length: pick([1, 2]) }, () => pick([1, 2, 12]))

interface Case {
  readonly name: string
  readonly fields: { readonly [name: string]: Draw }
  /** The key of these options. */
  key(options: Options): string
}

const tokens = createTokens({ directory: false })
function plain(make: (options: never) => Source<TokenValue>) {
  return (options: Options): string => tokens.use(make(options as never)).key
}

function PEM() {
  return 'only asked for when a token is fetched'
}
function app(id: string, secret: string): Case['fields'] {
  return { [id]: text, [secret]: text, baseUrl: maybe(url) }
}

const CASES: readonly Case[] = [
  {
    name: 'clientCredentials',
    fields: {
      issuer: url,
      clientId: text,
      clientSecret: text,
      scope: maybe(set),
      resource: maybe(set),
      audience: maybe(text),
    },
    key: plain(clientCredentials),
  },
  { name: 'feishuTenant', fields: app('appId', 'appSecret'), key: plain(feishuTenant) },
  { name: 'feishuApp', fields: app('appId', 'appSecret'), key: plain(feishuApp) },
  { name: 'weChat', fields: app('appId', 'secret'), key: plain(weChat) },
  { name: 'weChatLegacy', fields: app('appId', 'secret'), key: plain(weChatLegacy) },
  { name: 'weCom', fields: { ...app('corpId', 'corpSecret'), application: maybe(text) }, key: plain(weCom) },
  { name: 'dingTalk', fields: app('appKey', 'appSecret'), key: plain(dingTalk) },
  {
    name: 'refreshToken',
    fields: { tokenEndpoint: url, clientId: text, account: text, scope: maybe(set) },
    key: plain((options: object) => refreshToken({ refreshToken: PEM, ...options } as never)),
  },
  {
    name: 'salesforce',
    fields: { clientId: text, username: text, loginUrl: maybe(url), audience: maybe(audience) },
    key: plain((options: object) => salesforce({ privateKey: PEM, ...options } as never)),
  },
  {
    name: 'jwtBearer for a subject',
    fields: { tokenEndpoint: url, signer: text, subject: text, assertionAudience: maybe(text), scope: maybe(set) },
    key: ({ subject, ...options }) =>
      tokens
        .use(jwtBearer({ signer: '', privateKey: PEM, perSubject: true, ...options }))
        .for({ subject: String(subject) }).key,
  },
  {
    name: 'gitHubInstallation',
    fields: {
      clientId: text,
      baseUrl: maybe(url),
      installationId: (pick) => pick([1, 12, 123]),
      repositories: maybe(repositories),
      repositoryIds: maybe(numbers),
    },
    key: ({ clientId, baseUrl, ...installation }) =>
      tokens
        .use(gitHubInstallation({ privateKey: PEM, clientId, baseUrl } as never))
        .for(installation as unknown as Installation).key,
  },
]

/** What the options mean, worked out without the library: names in order, lists as sets. */
function meaning(options: Options): string {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  const normal = entries.map(([name, value]) => [
    name,
    Array.isArray(value) ? [...new Set(value)].map(String).sort() : value,
  ])
  return JSON.stringify(normal.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)))
}

/** Puts the fields in another order. */
function shuffled(options: Options, pick: <T>(list: readonly T[]) => T): Options {
  const entries = Object.entries(options)
  const mixed: [string, unknown][] = []
  while (entries.length > 0) mixed.push(...entries.splice(entries.indexOf(pick(entries)), 1))
  return Object.fromEntries(mixed)
}

describe('keys', () => {
  it.each(CASES)('of $name are the same for what means the same, and for nothing else', ({ fields, key }) => {
    const random = seededRandom(20_260_101)
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
    const byKey = new Map<string, string>()
    const byMeaning = new Map<string, string>()
    const collisions: string[] = []
    for (let n = 0; n < SETS; n += 1) {
      const drawn = Object.entries(fields).map(([name, draw]) => [name, draw(pick)] as const)
      const options = shuffled(Object.fromEntries(drawn.filter(([, value]) => value !== undefined)), pick)
      const [mine, means] = [key(options), meaning(options)]
      // A pair differs in the one and not in the other exactly if one of these two maps would be ambiguous.
      if ((byKey.get(mine) ?? means) !== means) collisions.push(`${means} and ${byKey.get(mine)} share a key`)
      if ((byMeaning.get(means) ?? mine) !== mine) collisions.push(`${means} has two keys`)
      byKey.set(mine, means)
      byMeaning.set(means, mine)
    }
    expect(collisions).toEqual([])
    expect(byKey.size).toBeGreaterThan(30)
  })

  it('of different sources are different for the same options', () => {
    const options = { appId: 'a', appSecret: 'b', secret: 'b', appKey: 'a', corpId: 'a', corpSecret: 'b' }
    const only = (...names: (keyof typeof options)[]) => Object.fromEntries(names.map((name) => [name, options[name]]))
    const keys = [
      plain(feishuTenant)(only('appId', 'appSecret')),
      plain(feishuApp)(only('appId', 'appSecret')),
      plain(weChat)(only('appId', 'secret')),
      plain(weChatLegacy)(only('appId', 'secret')),
      plain(weCom)(only('corpId', 'corpSecret')),
      plain(dingTalk)(only('appKey', 'appSecret')),
    ]
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('of different namespaces are different, and hold no part of a secret', () => {
    const source = clientCredentials({ issuer: 'https://a.example', clientId: 'a', clientSecret: 'marked-secret' })
    const keys = ['', 'dev', 'prod'].map(
      (namespace) => createTokens({ directory: false, ...(namespace && { namespace }) }).use(source).key,
    )
    expect(new Set(keys).size).toBe(3)
    expect(keys.join()).not.toContain('marked')
  })
})
