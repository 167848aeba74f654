import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { environment, ROOT, serverless } from '../offline/offline-run.ts'
import { startEnvironment } from '../rehearsal/artifact/start-environment.ts'
import { unzip } from '../rehearsal/artifact/unzip.ts'

interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
}

let folder = ''
let resources: Readonly<Record<string, Resource>> = {}
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    [serverless(), 'package', '--config', 'serverless.admin.yml', '--package', join(folder, 'package')],
    {
      cwd: ROOT,
      env: {
        ...environment({ home: folder, temporary: folder, mark: 'CONSOLE=package' }),
        AWS_ACCESS_KEY_ID: 'none',
        AWS_SECRET_ACCESS_KEY: 'none',
        TOKEN_TABLE: 'tokens-of-the-service',
        ISSUER: 'https://login.example.com',
        CLIENT_ID: 'contacts',
        API_URL: 'https://api.example.com',
      },
      encoding: 'utf8',
    },
  )
  if (status !== 0) throw new Error(stdout + stderr)
  const text = readFileSync(join(folder, 'package/cloudformation-template-update-stack.json'), 'utf8')
  resources = (JSON.parse(text) as { Resources: typeof resources }).Resources
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function ofType(type: string): readonly Resource[] {
  return Object.values(resources).filter(({ Type }) => Type === type)
}

describe('the template of the console', () => {
  it('lets in only whom IAM lets in', () => {
    expect(ofType('AWS::Lambda::Url').map(({ Properties }) => Properties)).toMatchObject([{ AuthType: 'AWS_IAM' }])
    const principals = ofType('AWS::Lambda::Permission').map(({ Properties }) => Properties['Principal'])
    expect(principals).not.toContain('*')
  })

  it('may read and list the one table, and neither write it nor read the secret', () => {
    const [role] = ofType('AWS::IAM::Role')
    const text = JSON.stringify(role?.Properties['Policies'])
    expect(text).toContain('"dynamodb:BatchGetItem","dynamodb:GetItem","dynamodb:Scan"')
    expect(text).toContain('table/tokens-of-the-service')
    expect(text).not.toMatch(/UpdateItem|PutItem|DeleteItem|secretsmanager|"\*"/)
  })

  it('serves the page to whom IAM has let in and to nobody else, from its artifact alone', async () => {
    const { Handler: handler, Environment: environmentOf } = ofType('AWS::Lambda::Function')[0]?.Properties ?? {}
    const { Variables: variables } = environmentOf as { readonly Variables: Readonly<Record<string, string>> }
    expect(variables).toMatchObject({ ADMIN_CONTROL: 'false' })
    const files = unzip(readFileSync(join(folder, 'package/admin.zip')))
    const properties = { Handler: String(handler), Environment: { Variables: variables } }
    const deployed = { name: 'admin', files, properties, sha256: '', size: 0, modifiedAt: 0 }
    const keys = { accessKeyId: 'none', secretAccessKey: 'none', sessionToken: 'none' }
    const started = await startEnvironment(deployed, { keys, variables: {} })
    const ask = (authorizer?: object) =>
      started.invoke({ rawPath: '/', headers: {}, requestContext: { http: { method: 'GET' }, authorizer } })
    const userArn = 'arn:aws:sts::123456789012:assumed-role/operator/ada'
    expect(await ask()).toMatchObject({ result: { statusCode: 403 } })
    expect(await ask({ iam: { userArn } })).toMatchObject({
      result: { statusCode: 200, body: expect.stringContaining('<title>warmtoken</title>') },
    })
    started.end()
  })
})
