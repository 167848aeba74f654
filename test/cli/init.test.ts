import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SECRET } from './fleet.ts'
import { run } from './run.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const PLAIN = `# Our shop.
service: shop

provider:
  name: aws
  runtime: nodejs24.x # the newest
  environment:
    STAGE: \${sls:stage}

functions:
  shop: {handler: shop.handler, timeout: 15}
`

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-init-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function put(text: string): void {
  writeFileSync(join(folder, 'serverless.yml'), text)
}
function get(): string {
  return readFileSync(join(folder, 'serverless.yml'), 'utf8')
}
function init(...args: readonly string[]) {
  return run(['init', ...args], { cwd: folder })
}

describe('warmtoken init', () => {
  it('shows the difference and writes nothing when nobody can be asked', async () => {
    put(PLAIN)
    const { code, out, err } = await init()
    expect([code, get()]).toEqual([2, PLAIN])
    expect(out).toContain('+    TOKEN_TABLE: !Ref TokenTable')
    expect(err).toContain('--yes')
    expect(out).not.toContain('\u001b')
  })

  it('adds the table, the rights and the variable, and changes no other line', async () => {
    put(PLAIN)
    const { code, out } = await init('--yes', '--json')
    expect(code).toBe(0)
    const { diff } = JSON.parse(out) as { diff: string }
    expect(diff.split('\n').filter((line) => /^-(?!--)/.test(line))).toEqual([])
    const added = get()
      .split('\n')
      .filter((line) => !PLAIN.split('\n').includes(line))
    expect(added.map((line) => line.trim())).toEqual([
      'TOKEN_TABLE: !Ref TokenTable',
      'iam:',
      'role:',
      'statements:',
      '- Effect: Allow',
      'Action:',
      '- dynamodb:BatchGetItem',
      '- dynamodb:GetItem',
      '- dynamodb:UpdateItem',
      'Resource: !GetAtt TokenTable.Arn',
      'resources:',
      'Resources:',
      'TokenTable:',
      'Type: AWS::DynamoDB::Table',
      'Properties:',
      'BillingMode: PAY_PER_REQUEST',
      'AttributeDefinitions:',
      '- AttributeName: pk',
      'AttributeType: S',
      'KeySchema:',
      '- AttributeName: pk',
      'KeyType: HASH',
      'TimeToLiveSpecification:',
      'AttributeName: keepUntil',
      'Enabled: true',
    ])
    expect((await run(['doctor', '--json'], { cwd: folder })).code).toBe(0)
  })

  it('changes nothing the second time', async () => {
    put(PLAIN)
    await init('--yes')
    const once = get()
    const { code, out } = await init('--yes')
    expect([code, get(), out]).toEqual([0, once, expect.stringContaining('nothing to change')])
    expect(readdirSync(folder)).toEqual(['serverless.yml'])
  })

  it('adds only the right that is missing to a file that has the two others', async () => {
    put(PLAIN)
    await init('--yes')
    const whole = get()
    put(whole.replace(/ +- dynamodb:BatchGetItem\n/, ''))
    const { out } = await init('--yes', '--json')
    const { diff } = JSON.parse(out) as { diff: string }
    expect(diff.match(/^[+-] .*dynamodb:.*$/gm)).toEqual([expect.stringMatching(/^\+ +- dynamodb:BatchGetItem$/)])
    put(whole.replace(/ +- dynamodb:(Get|BatchGet)Item\n/g, '').replace('dynamodb:UpdateItem', 'dynamodb:*'))
    expect(JSON.parse((await init('--yes', '--json')).out)).toMatchObject({ changed: false })
  })

  it("finds everything in this project's own file and its includes, which comes back byte for byte", async () => {
    cpSync(join(ROOT, 'serverless.yml'), join(folder, 'serverless.yml'))
    mkdirSync(join(folder, 'infra'))
    cpSync(join(ROOT, 'infra/resources'), join(folder, 'infra/resources'), { recursive: true })
    const { out } = await init('--yes', '--json')
    expect(JSON.parse(out)).toMatchObject({ changed: false })
    expect(get()).toBe(readFileSync(join(ROOT, 'serverless.yml'), 'utf8'))
  })

  it("adds one line to this project's own file where one is missing, and nothing else differs", async () => {
    mkdirSync(join(folder, 'infra'))
    cpSync(join(ROOT, 'infra/resources'), join(folder, 'infra/resources'), { recursive: true })
    const whole = readFileSync(join(ROOT, 'serverless.yml'), 'utf8')
    const line = '    TOKEN_TABLE: !Ref TokenTable\n'
    const parts = whole.split(line)
    expect(parts).toHaveLength(2)
    put(parts.join(''))
    expect((await init('--yes')).code).toBe(0)
    expect(get().replace(line, '')).toBe(parts.join(''))
    expect(get()).toContain(line)
  })

  it.each([
    ['a list of resources', `${PLAIN}resources:\n  - Outputs: {}\n`],
    ['resources without content', `${PLAIN}resources:\n`],
    ['four spaces', 'service: x\nprovider:\n    name: aws\nfunctions:\n    x:\n        handler: x.y\n'],
    ['lists that are not indented', 'service: x\nprovider:\n  name: aws\nplugins:\n- a\n- b\n'],
    [
      'the older statements',
      'service: x\nprovider:\n  name: aws\n  iamRoleStatements:\n    - Effect: Allow\n      Action: [s3:GetObject]\n      Resource: "*"\n',
    ],
    ['lines of Windows', PLAIN.replaceAll('\n', '\r\n')],
  ])('keeps every line of a file with %s', async (_what, text) => {
    put(text)
    expect((await init('--yes')).code).toBe(0)
    const lines = get().split('\n')
    const kept = text.split('\n').filter((line) => line !== '')
    expect(kept.filter((line) => !lines.includes(line))).toEqual([])
    expect(JSON.parse((await init('--json')).out)).toMatchObject({ changed: false })
    expect((await run(['doctor', '--json'], { cwd: folder })).code).toBe(0)
  })

  it.each([
    [
      'half-written',
      `provider:\n  environment: {A: ${SECRET}\n  name: aws\n`,
      /serverless\.yml:\d+:\d+: not valid YAML/,
    ],
    ['not a service', '- a\n- b\n', /has no "provider"/],
    ['empty', '', /has no "provider"/],
    [
      'with an include in the way',
      `provider:\n  name: aws\n  environment: \${file(env.yml)}\n`,
      /"provider.environment" is not a map/,
    ],
  ])('leaves a file that is %s as it was', async (_what, text, message) => {
    put(text)
    const { code, out, err } = await init('--yes')
    expect([code, out, get()]).toEqual([1, '', text])
    expect(err).toMatch(message)
    expect(err).not.toContain(SECRET)
    expect(readdirSync(folder)).toEqual(['serverless.yml'])
  })

  it('says that there is no service file', async () => {
    const { code, err } = await init()
    expect([code, err]).toEqual([1, expect.stringContaining('there is no serverless.yml here')])
  })
})
