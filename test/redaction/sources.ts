import { assumeRole } from '@warmtoken/adapters-aws/sts'
import type { Source, TokenHandle, Tokens, TokenValue } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { dingTalk } from '@warmtoken/core/dingtalk'
import { SourceRefusedError } from '@warmtoken/core/errors'
import { feishuApp, feishuStoreTenant, feishuTenant } from '@warmtoken/core/feishu'
import { gitHubInstallation } from '@warmtoken/core/github'
import { jwtBearer } from '@warmtoken/core/jwt-bearer'
import { clientCredentials } from '@warmtoken/core/oauth2'
import { refreshToken } from '@warmtoken/core/refresh-token'
import { salesforce } from '@warmtoken/core/salesforce'
import { weChat, weChatLegacy } from '@warmtoken/core/wechat'
import { weCom } from '@warmtoken/core/wecom'
import { json, type Reply } from './answering-server.ts'
import { keyMark, type Mark, mark } from './marks.ts'
import { awsKey } from './stores.ts'

/** What a source is made with. `secret` gives the marked secret, or whatever a path gives in its place. */
export interface Given {
  readonly url: string
  readonly secret: () => string | Promise<string>
  /** A second secret, for those that have two: a refresh token, an app ticket. */
  readonly second: () => string
}

/** A source under test, and how its issuer and its API speak. `words` is a text full of marks. */
export interface Subject {
  readonly name: string
  /** The secret that it proves itself with. */
  readonly secret: Mark
  readonly second?: Mark
  bind(tokens: Tokens, given: Given): TokenHandle
  /** The issuer's good answer. */
  good(token: string, words: string, path: string): Reply
  /** The issuer's refusal. */
  refusal(words: string): Reply
  /** The API's refusal of a token. */
  rejection(words: string): Reply
  /** Its secret only signs, and nothing else of it is secret on its way. */
  readonly unsent?: boolean
  /** Whether it goes the ways of stores too. */
  readonly stores?: boolean
  /** Outcomes that differ from what other sources give, by path. */
  readonly outcomes?: { readonly [path: string]: RegExp }
}

function use(make: (given: Given) => Source<TokenValue>): Subject['bind'] {
  return (tokens, given) => tokens.use(make(given))
}

const oauth2 = {
  good: (token, words) => json({ access_token: token, token_type: 'Bearer', expires_in: 3_600, debug: words }),
  refusal: (words) => json({ error: 'invalid_client', error_description: words, error_uri: words }, 401),
  rejection: (words) =>
    json({ error: 'invalid_token', error_description: words }, 401, {
      'www-authenticate': 'Bearer error="invalid_token"',
    }),
} satisfies Partial<Subject>

function endpoint({ url }: Given) {
  return { tokenEndpoint: `${url}/token`, allowInsecure: true, clientId: 'client' } as const
}
function local({ url }: Given) {
  return { baseUrl: url, allowInsecure: true } as const
}

const tencent = {
  good: (token, words) => json({ errcode: 0, errmsg: words, access_token: token, expires_in: 7_200 }),
  refusal: (words) => json({ errcode: 40_125, errmsg: words }),
  rejection: (words) => json({ errcode: 42_001, errmsg: words }),
} satisfies Partial<Subject>

const feishu = {
  good: (token, words, path) =>
    json({
      code: 0,
      msg: words,
      expire: 7_200,
      [path.includes('app_access') ? 'app_access_token' : 'tenant_access_token']: token,
    }),
  refusal: (words) => json({ code: 10_014, msg: words }),
  rejection: (words) => json({ code: 99_991_663, msg: words }),
} satisfies Partial<Subject>

function inXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
function xml(body: string, status = 200): Reply {
  return { status, headers: { 'content-type': 'text/xml' }, body }
}

/** What cannot be committed is not returned. */
const exclusive = {
  // What was spent cannot be seen in the first of them.
  'with records that are none': /StoreError STORE_UNREADABLE, token/,
  'without a store': /^StoreError/,
  'with a codec that cannot seal': /^WarmTokenError CODEC_FAILED/,
  'with a codec that cannot open': /^token, WarmTokenError CODEC_FAILED/,
}

/** A function of a user's own that says all it knows when it fails. */
function talkative({ url, secret }: Given): Source<TokenValue> {
  return custom({
    kind: 'own',
    identity: 'own',
    secretFingerprint: async () => String((await secret()).length),
    async fetch({ signal }) {
      const key = await secret()
      const response = await fetch(`${url}/own?key=${encodeURIComponent(key)}`, { method: 'POST', signal })
      const text = await response.text()
      if (response.status === 401) throw new SourceRefusedError('the key is wrong', { code: 'wrong_key' })
      if (response.status !== 200)
        throw Object.assign(new Error(`${key} gave ${text}\n    at ${key} (/srv/${text}.js:1:1)`, { cause: text }), {
          name: key,
          code: key,
          [key]: text,
        })
      return { ...(JSON.parse(text) as { value: string; lifetime: number }) }
    },
  })
}

/** All sources. A new one is a row here. */
export const subjects: readonly Subject[] = [
  {
    ...oauth2,
    name: 'clientCredentials, basic',
    stores: true,
    secret: mark('client secret'),
    bind: use((given) => clientCredentials({ ...endpoint(given), clientSecret: given.secret })),
  },
  {
    ...oauth2,
    name: 'clientCredentials, body',
    secret: mark('client secret'),
    bind: use((given) => clientCredentials({ ...endpoint(given), clientSecret: given.secret, authentication: 'body' })),
  },
  {
    ...oauth2,
    name: 'clientCredentials, private_key_jwt',
    secret: keyMark('private key'),
    bind: use((given) => clientCredentials({ ...endpoint(given), privateKey: given.secret })),
  },
  {
    ...oauth2,
    name: 'clientCredentials, client_secret_jwt',
    // It signs, and is not sent.
    secret: mark('signing key'),
    bind: use((given) =>
      clientCredentials({ ...endpoint(given), clientSecret: given.secret, authentication: 'client_secret_jwt' }),
    ),
  },
  {
    ...oauth2,
    name: 'clientCredentials, bound to a key',
    secret: mark('client secret'),
    second: keyMark('binding key'),
    bind: use((given) =>
      clientCredentials({ ...endpoint(given), clientSecret: given.secret, dpop: { privateKey: given.second } }),
    ),
    good: (token, words) => json({ access_token: token, token_type: 'DPoP', expires_in: 3_600, debug: words }),
  },
  {
    name: 'custom',
    secret: mark('own secret'),
    bind: use(talkative),
    good: (token, words) => json({ value: token, lifetime: 3_600_000, debug: words }),
    refusal: (words) => json({ words }, 401),
    rejection: oauth2.rejection,
    outcomes: {
      'is throttled': /SOURCE_FAILED/,
      'fails inside': /SOURCE_FAILED/,
      'with a secret that is none': /token/,
    },
  },
  {
    ...oauth2,
    name: 'jwtBearer',
    secret: keyMark('private key'),
    bind: use(({ url, secret }) =>
      jwtBearer({
        tokenEndpoint: `${url}/token`,
        allowInsecure: true,
        signer: 'me',
        subject: 'you',
        privateKey: secret,
      }),
    ),
  },
  {
    ...oauth2,
    name: 'refreshToken',
    secret: mark('client secret'),
    second: mark('refresh token'),
    // A store that fails is an error here, because nothing is returned that is not committed.
    stores: true,
    outcomes: exclusive,
    bind: use((given) =>
      refreshToken({ ...endpoint(given), account: 'me', clientSecret: given.secret, refreshToken: given.second }),
    ),
    good: (token, words) =>
      json({ access_token: token, token_type: 'Bearer', expires_in: 3_600, refresh_token: words, debug: words }),
  },
  {
    name: 'salesforce',
    secret: keyMark('private key'),
    bind: use(({ url, secret }) =>
      salesforce({
        clientId: 'client',
        privateKey: secret,
        username: 'me@example.com',
        loginUrl: url,
        allowInsecure: true,
      }),
    ),
    good: (token, words) =>
      json({ access_token: token, token_type: 'Bearer', instance_url: 'https://own.example.com', id: words }),
    refusal: oauth2.refusal,
    rejection: (words) => json([{ errorCode: 'INVALID_SESSION_ID', message: words }], 401),
  },
  {
    name: 'gitHubInstallation',
    secret: keyMark('private key'),
    bind: (tokens, given) =>
      tokens
        .use(gitHubInstallation({ ...local(given), clientId: 'client', privateKey: given.secret }))
        .for({ installationId: 1 }),
    good: (token, words) =>
      json(
        { token, expires_at: new Date(Date.now() + 3_600_000).toISOString(), permissions: { contents: 'read' }, words },
        201,
      ),
    refusal: (words) => json({ message: words }, 404),
    rejection: (words) => json({ message: words }, 401),
  },
  {
    ...tencent,
    name: 'weChat',
    secret: mark('app secret'),
    bind: use((given) => weChat({ ...local(given), appId: 'app', secret: given.secret })),
  },
  {
    ...tencent,
    name: 'weChatLegacy',
    secret: mark('app secret'),
    outcomes: exclusive,
    bind: use((given) => weChatLegacy({ ...local(given), appId: 'app', secret: given.secret })),
  },
  {
    ...tencent,
    name: 'weCom',
    secret: mark('company secret'),
    bind: use((given) => weCom({ ...local(given), corpId: 'corp', corpSecret: given.secret, application: 'one' })),
  },
  {
    name: 'dingTalk',
    secret: mark('app secret'),
    bind: use((given) => dingTalk({ ...local(given), appKey: 'app', appSecret: given.secret })),
    good: (token, words) => json({ accessToken: token, expireIn: 7_200, requestid: words }),
    refusal: (words) => json({ code: 'invalidClientIdOrSecret', message: words, requestid: words }, 400),
    rejection: (words) => json({ code: 'InvalidAuthentication', message: words }, 401),
  },
  {
    ...feishu,
    name: 'feishuTenant',
    secret: mark('app secret'),
    bind: use((given) => feishuTenant({ ...local(given), appId: 'app', appSecret: given.secret })),
  },
  {
    ...feishu,
    name: 'feishuApp',
    secret: mark('app secret'),
    bind: use((given) => feishuApp({ ...local(given), appId: 'app', appSecret: given.secret })),
  },
  {
    ...feishu,
    name: 'feishuStoreTenant',
    secret: mark('app secret'),
    second: mark('app ticket'),
    bind: (tokens, given) => {
      const inbox = { appId: 'app', put: async () => true, get: async () => given.second() }
      return tokens
        .use(feishuStoreTenant({ ...local(given), appId: 'app', appSecret: given.secret, inbox }))
        .for({ tenantKey: 'tenant' })
    },
  },
  {
    name: 'assumeRole',
    secret: awsKey,
    bind: use(({ url }) => assumeRole({ roleArn: 'arn:aws:iam::123456789012:role/partner', endpoint: url })),
    good: (token, words) =>
      xml(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId>
      <SecretAccessKey>${inXml(token)}</SecretAccessKey><SessionToken>${inXml(token)}</SessionToken>
      <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials>
      <Words>${inXml(words)}</Words></AssumeRoleResult></AssumeRoleResponse>`),
    refusal: (words) =>
      xml(
        `<ErrorResponse><Error><Code>AccessDenied</Code><Message>${inXml(words)}</Message></Error></ErrorResponse>`,
        403,
      ),
    rejection: oauth2.rejection,
    unsent: true,
    outcomes: {
      // The SDK itself waits and tries again, and shows a name in place of a status.
      'is throttled': /SourceUnavailableError/,
      'fails inside': /SourceUnavailableError/,
      'gives a redirect': /^Source/,
      'with a secret that is not available': /token/,
      'with a secret that is none': /token/,
    },
  },
]

/** The source with this number. */
export function subjectOf(number: number): Subject {
  const subject = subjects[number]
  if (subject === undefined) throw new RangeError(`there is no source ${number}`)
  return subject
}
