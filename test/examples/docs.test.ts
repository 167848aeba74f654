import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}
const sources = globSync(['packages/core/src/**/*.ts', 'packages/adapters-*/src/**/*.ts'], { cwd: ROOT }).filter(
  (path) => !/\.test[.-]/.test(path),
)

/** The names of the members of an interface, as its source has them. */
function membersOf(path: string, name: string): readonly string[] {
  const body = new RegExp(`export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(read(path))?.[1] ?? ''
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??(?:\(|:)/gm)].map(([, member = '']) => member)
}

describe('the page of the configuration', () => {
  const page = read('docs/configuration.md')
  /** The rows under the heading that names this factory. */
  const sectionOf = (title: string): string => page.split(/^## /m).find((section) => section.startsWith(title)) ?? ''

  it.each([
    ['`createTokens', 'packages/core/src/tokens/tokens.ts', 'TokensOptions'],
    ['`createTokens', 'packages/core/src/engine/policy.ts', 'Policy'],
    ['`handle.get', 'packages/core/src/tokens/types.ts', 'GetOptions'],
    ['`createCache', 'packages/core/src/data/cache.ts', 'CacheOptions'],
    ['`cache.use', 'packages/core/src/data/types.ts', 'ResourceOptions'],
    ['`cache.use', 'packages/core/src/data/types.ts', 'DataGetOptions'],
    ['`warmTokens', 'packages/core/src/tokens/invocation.ts', 'InvocationOptions'],
    ['`warmTokens', 'packages/core/src/middy/warm-tokens.ts', 'WarmTokensOptions'],
    ['`custom', 'packages/core/src/sources/custom.ts', 'CustomOptions'],
    ['`custom', 'packages/core/src/contracts.ts', 'Traits'],
    ['`memoryStore', 'packages/core/src/stores/memory.ts', 'MemoryStoreOptions'],
    ['`frontedStore', 'packages/core/src/stores/fronted.ts', 'FrontedStoreOptions'],
    ['`aesGcm', 'packages/core/src/seal/aes-gcm.ts', 'AesGcmOptions'],
    ['`dynamoDBStore', 'packages/adapters-aws/src/dynamodb/options.ts', 'DynamoDBStoreOptions'],
    ['`s3Store', 'packages/adapters-aws/src/s3/options.ts', 'S3StoreOptions'],
    ['`redisStore', 'packages/adapters-redis/src/options.ts', 'RedisStoreOptions'],
    ['`upstashStore', 'packages/adapters-upstash/src/redis/options.ts', 'UpstashStoreOptions'],
  ])('has under %s every option of %s %s', (title, path, name) => {
    const members = membersOf(path, name)
    expect(members.length).toBeGreaterThan(0)
    const section = sectionOf(title)
    expect(members.filter((member) => !section.includes(`| \`${member}\` |`))).toEqual([])
  })
})

describe('the page of the sessions', () => {
  const page = read('docs/sessions.md')

  it.each([
    ['core/src/sessions/options.ts', 'SessionsOptions'],
    ['core/src/middy/authenticate/authenticate.ts', 'AuthenticateOptions'],
    ['core/src/authorizer/authorizer.ts', 'AuthorizerOptions'],
    ['core/src/authorizer/authorizer.ts', 'RestAuthorizerOptions'],
    ['core/src/authorizer/authorizer.ts', 'WebSocketAuthorizerOptions'],
    ['core/src/authorizer/tickets.ts', 'TicketsOptions'],
    ['core/src/jwt/jwks.ts', 'JwksOptions'],
    ['core/src/jwt/jwt.ts', 'VerifyJwtOptions'],
  ])('has every option of %s %s', (path, name) => {
    const members = membersOf(`packages/${path}`, name)
    expect(members.length).toBeGreaterThan(0)
    expect(members.filter((member) => !page.includes(`| \`${member}\` |`))).toEqual([])
  })

  it('has every event and every reason', () => {
    const source = read('packages/core/src/sessions/events.ts')
    const words = [...source.matchAll(/(?:type: |^ {2}\| )'([a-z-]+)'/gm)].map(([, word = '']) => word)
    expect(words.length).toBeGreaterThan(15)
    expect(words.filter((word) => !page.includes(`\`${word}\``))).toEqual([])
  })
})

describe('the pages of the sources', () => {
  it.each([
    ['oauth2', 'core/src/sources/oauth2/options.ts', 'ClientCredentialsOptions'],
    ['oauth2', 'core/src/sources/oauth2/options.ts', 'ClientOptions'],
    ['oauth2', 'core/src/sources/oauth2/options.ts', 'IssuerOptions'],
    ['oauth2', 'core/src/sources/oauth2/options.ts', 'RequestOptions'],
    ['oauth2', 'core/src/sources/oauth2/options.ts', 'TokenReading'],
    ['oauth2', 'core/src/sources/oauth2/options.ts', 'AssertionOptions'],
    ['jwt-bearer', 'core/src/sources/oauth2/options.ts', 'TokenReading'],
    ['refresh-token', 'core/src/sources/oauth2/options.ts', 'TokenReading'],
    ['refresh-token', 'core/src/sources/refresh-token/options.ts', 'RefreshTokenOptions'],
    ['jwt-bearer', 'core/src/sources/jwt-bearer/options.ts', 'JwtBearerOptions'],
    ['salesforce', 'core/src/sources/salesforce/options.ts', 'SalesforceOptions'],
    ['github', 'core/src/sources/github/index.ts', 'GitHubInstallationOptions'],
    ['github', 'core/src/sources/github/index.ts', 'Installation'],
    ['feishu', 'core/src/sources/feishu/index.ts', 'FeishuOptions'],
    ['feishu', 'core/src/sources/feishu/index.ts', 'FeishuStoreOptions'],
    ['wechat', 'core/src/sources/wechat/index.ts', 'WeChatOptions'],
    ['wechat', 'core/src/sources/wechat/index.ts', 'WeChatLegacyOptions'],
    ['wecom', 'core/src/sources/wecom/index.ts', 'WeComOptions'],
    ['dingtalk', 'core/src/sources/dingtalk/index.ts', 'DingTalkOptions'],
    ['sts', 'adapters-aws/src/sts/options.ts', 'AssumeRoleOptions'],
  ])('docs/sources/%s.md has every option of %s %s', (page, path, name) => {
    const members = membersOf(`packages/${path}`, name)
    const text = read(`docs/sources/${page}.md`)
    expect(members.length).toBeGreaterThan(0)
    expect(members.filter((member) => !new RegExp(`\\| [^|]*\`${member}\``).test(text))).toEqual([])
  })
})

describe('the pages for authors of stores', () => {
  const pages = ['docs/write-a-store.md', 'docs/conformance.md']
  const imports = pages.flatMap((page) =>
    [...read(page).matchAll(/^import \{([^}]+)\} from '(@warmtoken\/[^']+)'/gm)].map(
      ([, names = '', from = '']) => [page, from, names] as const,
    ),
  )

  it('import something', () => {
    expect(imports.length).toBeGreaterThan(4)
  })

  it.each(imports)('%s imports from %s what is there', async (_page, from, names) => {
    const there = await import(from)
    const values = names.split(',').map((name) => name.trim())
    expect(values.filter((name) => !name.startsWith('type ') && !(name in there))).toEqual([])
  })
})

describe('the page of the errors', () => {
  const page = read('docs/errors.md')

  it('has every class', () => {
    const classes = [...read('packages/core/src/errors.ts').matchAll(/export class (\w+)/g)].map(([, name]) => name)
    expect(classes.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
  })

  it('has every code', () => {
    const codes = new Set(
      sources.flatMap((path) =>
        [
          ...read(path).matchAll(
            /(?:code: |code \?\? |\? |: |= )'((?:SOURCE|STORE|BAD|LEASE|SAME|SIGN|NOT)_[A-Z_]+)'/g,
          ),
        ].map(([, code = '']) => code),
      ),
    )
    expect(codes.size).toBeGreaterThan(15)
    expect([...codes].filter((code) => !page.includes(`\`${code}\``))).toEqual([])
  })
})

describe('the pages of events and files', () => {
  it('have every event', () => {
    const types = [...read('packages/core/src/events.ts').matchAll(/type: '([\w-]+)'/g)].map(([, type]) => type)
    const page = read('docs/events.md')
    expect(types.length).toBeGreaterThan(10)
    expect(types.filter((type) => !page.includes(`| \`${type}\` |`))).toEqual([])
  })

  it('have every reason of a file that is not used', () => {
    const [, body = ''] =
      /export type FileProblem =([^\n]*)/.exec(read('packages/core/src/tiers/file/diagnose.ts')) ?? []
    const reasons = [...body.matchAll(/'(\w+)'/g)].map(([, reason]) => reason)
    const page = read('docs/file-tier.md')
    expect(reasons.length).toBeGreaterThan(5)
    expect(reasons.filter((reason) => !page.includes(`| \`${reason}\` |`))).toEqual([])
  })
})

describe('all pages', () => {
  const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: ROOT })

  it.each(pages)('%s links only to what is there', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link)
    expect(links.filter((link) => !existsSync(join(ROOT, dirname(page), link)))).toEqual([])
  })

  it('are short: the root README at most 180 lines, those of packages at most 120', () => {
    const tooLong = pages.filter((page) => {
      const lines = read(page).split('\n').length
      return (page === 'README.md' && lines > 180) || (page.startsWith('packages/') && lines > 120)
    })
    expect(tooLong).toEqual([])
  })

  it('name no script that is not there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = pages.flatMap((page) =>
      [...read(page).matchAll(/npx -y pnpm@[\d.]+ (\w[\w:]*)/g)].map(([, script = '']) => script),
    )
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((script) => !['install', 'exec'].includes(script) && scripts[script] === undefined)).toEqual([])
  })
})
