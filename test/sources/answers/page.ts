import { measureAnswer, type Outcome, TOKEN_ANSWERS, type TokenAnswerCase } from './token-answers.ts'

/** The page that lists the answers of real issuers, made by sending each of them. */
export async function drawAnswersPage(): Promise<string> {
  const rows: string[] = []
  for (const one of TOKEN_ANSWERS) rows.push(rowOf(one, await measureAnswer(one)))
  return `# Answers of real issuers

Answers of token endpoints that broke other clients, and what warmtoken does with them. Each row is an answer that a test
sends through the whole engine; \`pnpm docs:answers\` writes this page, and a test fails if it is not current. The options
are those of [client credentials](oauth2.md#options). For your own tests there are [imitations](#imitations).

| the issuer answers | public reports | outcome |
|---|---|---|
${rows.join('\n')}

A *temporary* failure is retried after a short pause, by one environment for all. A *refusal* is final until the secret
changes. "Rotating" rows use [a refresh token that rotates](refresh-token.md): whatever else is wrong with the answer, the
new refresh token in it is committed and spent by the next fetch.

## What issuers require of the request

| they require | public reports | option |
|---|---|---|
${REQUESTS.map(([need, reports, option]) => `| ${need} | ${linksOf(reports)} | ${option} |`).join('\n')}

## Imitations

\`startOddIssuer({ vendor })\` of [\`@warmtoken/local/issuers\`](../../packages/local/README.md#issuers) imitates these token
endpoints in your own tests. Pass its \`tokenEndpoint\` and \`allowInsecure: true\` to the source; the client is \`local\` with
the secret \`local-secret\` unless you set another.

| \`vendor\` | what is odd |
|---|---|
| \`shopify\` | three fields, without \`token_type\` |
| \`apigee\` | numbers as strings, \`BearerToken\`, and HTTP Basic compared without decoding |
| \`box\` | client credentials require \`box_subject_type\` and \`box_subject_id\`; refresh tokens rotate |
| \`wso2\` | the same token until it expires, with the lifetime that is left |
| \`supabase\` | status 201; refresh tokens rotate |
`
}

function rowOf(one: TokenAnswerCase, outcome: Outcome): string {
  const name = one.name.replaceAll('|', '\\|')
  return `| ${name} | ${linksOf(one.reports ?? [])} | ${wordsOf(outcome)} |`
}

function wordsOf({ outcome, authorization = '', lifetime = 0, assumed, message, spendsNext }: Outcome): string {
  const scheme = authorization.split(' ')[0]
  const what =
    outcome === 'token'
      ? `a token, sent as \`${scheme}\`, for ${lifetime.toLocaleString('en')} s`
      : `${outcome === 'passing' ? 'temporary' : 'refusal'}: ${message}`
  const event = assumed === undefined ? '' : `; the event \`lifetime-assumed\` names \`${assumed}\``
  const chain = spendsNext === undefined ? '' : `; the next fetch spends \`${spendsNext}\``
  return what + event + chain
}

function linksOf(reports: readonly string[]): string {
  return reports.map((url) => `[${url.replace(/^https:\/\/github\.com\/|\/(issues|pull)/g, '')}](${url})`).join(', ')
}

const hub = (path: string): string => `https://github.com/${path}`

/** What tests of the sources cover beside the answers. */
const REQUESTS: readonly (readonly [need: string, reports: readonly string[], option: string])[] = [
  [
    'HTTP Basic with `-`, `.`, `_` and `*` as they are',
    [hub('panva/oauth4webapi/issues/148')],
    "`authentication: 'basic'`, the default",
  ],
  [
    'HTTP Basic without any encoding',
    [hub('panva/oauth4webapi/issues/199'), hub('DuendeArchive/IdentityModel/issues/96')],
    "`authentication: 'basic-plain'`",
  ],
  [
    'their own parameters, such as `box_subject_id` or `organization`',
    [hub('cburnette/boxr/issues/114'), hub('auth0/auth0-python/issues/620')],
    '`parameters`, `headers`',
  ],
  [
    'the thumbprint of the certificate in the assertion',
    [hub('keycloak/keycloak/issues/12946'), hub('panva/openid-client/issues/667')],
    '`assertionHeader`',
  ],
  [
    'assertions that are not from the future, not even by milliseconds',
    [hub('bluesky-social/atproto/issues/4474'), hub('keycloak/keycloak/issues/8966')],
    'none: dated by the server’s time less 10 s, and once more by the issuer’s `Date`',
  ],
  [
    'a key from an environment variable, its line breaks written as `\\n`',
    [hub('box/box-node-sdk/issues/259'), hub('octokit/app.js/issues/40')],
    'none: accepted by every source',
  ],
  [
    'metadata by RFC 8414 instead of OpenID Connect',
    [hub('modelcontextprotocol/modelcontextprotocol/issues/506')],
    'none: both places are read',
  ],
  [
    'the issuer’s name exactly, with or without its last slash',
    [hub('github/copilot-cli/issues/4606')],
    'none: the error shows the name to use',
  ],
  [
    'the body of a `Request` a second time, after a 401 of the API',
    [hub('a2aproject/a2a-js/issues/735'), hub('sindresorhus/ky/issues/230')],
    'none: up to 256 KB are sent again',
  ],
]
