import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CelEngine, type StandardDiagnostic, TemplateFile } from '@aws/cloudformation-validate'
import type { WarmEvent } from '@warmtoken/core'
import type { LiveNotice } from '@warmtoken/core/live'
import { powertoolsMetrics } from '@warmtoken/core/metrics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'

/** Every file that is a template; the others are parts of a `serverless.yml`. */
const TEMPLATES = readdirSync(new URL('./resources/', import.meta.url)).filter((name) =>
  /^Resources:/m.test(textOf(name)),
)

interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
}

function textOf(name: string): string {
  return readFileSync(new URL(`./resources/${name}`, import.meta.url), 'utf8')
}

/** Resources by name. Short forms of functions are read as what they are applied to. */
function resourcesOf(name: string): Readonly<Record<string, Resource>> {
  return (parse(textOf(name), { logLevel: 'silent' }) as { Resources: Record<string, Resource> }).Resources
}

/** Every metric that the listener can write. */
function writtenMetrics(): ReadonlySet<string> {
  const names = new Set<string>()
  const metrics = {
    addMetric: (name: string) => void names.add(name),
    singleMetric: () => metrics,
    addDimension: () => metrics,
  }
  const listen = powertoolsMetrics(metrics)
  const key = 'crm~0'
  const hit = { type: 'hit', key, tier: 'store', stale: false, remaining: 1 } as const
  const events: readonly (WarmEvent | LiveNotice)[] = [
    { type: 'live-gone', count: 1 },
    { type: 'live-closed', code: 'session-ended' },
    { type: 'live-failed', publisher: 'websocket', count: 1, code: 'TIMEOUT' },
    { type: 'live-dropped', count: 1 },
    { type: 'fetch', key, took: 1, outcome: 'ok', alone: false },
    { type: 'fetch', key, took: 1, outcome: 'refused', alone: false },
    { type: 'miss', key, tier: 'store' },
    { ...hit, stale: true },
    { ...hit, waited: 1 },
    { type: 'cool-down', key, kind: 'refused', until: 1, count: 1 },
    { type: 'reject', key, fingerprint: '12345678' },
    { type: 'store-error', key, operation: 'read', code: 'STORE_UNAVAILABLE' },
  ]
  for (const event of events) listen(event)
  return names
}

let engine: InstanceType<typeof CelEngine>
let folder = ''
beforeAll(() => {
  engine = new CelEngine()
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
})
afterAll(() => {
  engine.free()
  rmSync(folder, { recursive: true, force: true })
})

/** What makes a template wrong. W3030 is a value that is not among the allowed ones. */
function faultsOf(text: string): readonly string[] {
  const path = join(folder, 'template.yml')
  writeFileSync(path, text)
  const isFault = ({ severity, ruleId }: StandardDiagnostic): boolean =>
    severity === 'FATAL' || severity === 'ERROR' || ruleId === 'W3030'
  const { diagnostics } = engine.validateStandard(new TemplateFile(path))
  return diagnostics.filter(isFault).map(({ ruleId, message }) => `${ruleId}: ${message}`)
}

describe('the templates in infra/resources', () => {
  it.each(TEMPLATES)('%s is valid CloudFormation', (name) => {
    expect(faultsOf(textOf(name))).toEqual([])
  })

  it.each([
    ['a reference to nothing', 'alarms.yml', '!Ref TableName', '!Ref NoTable'],
    ['an unknown property', 'roles.yml', 'AssumeRolePolicyDocument:', 'AssumeRolePolicy:'],
    ['an unknown attribute', 'kms-key.yml', '!GetAtt SealingKey.Arn', '!GetAtt SealingKey.Name'],
    ['a value that is not allowed', 'alarms.yml', 'LessThanThreshold', 'LessThan'],
  ])('with %s would be found to be wrong', (_fault, name, right, wrong) => {
    expect(textOf(name)).toContain(right)
    expect(faultsOf(textOf(name).replaceAll(right, wrong))).not.toEqual([])
  })
})

describe('the alarms', () => {
  const alarms = { ...resourcesOf('alarms.yml'), ...resourcesOf('live-alarms.yml') }
  const text = textOf('alarms.yml') + textOf('live-alarms.yml')

  it.each(Object.entries(alarms))('%s is quiet while a healthy fleet emits nothing', (_name, { Properties }) => {
    expect(Properties['TreatMissingData']).toBe('notBreaching')
    const [{ Expression = '' } = {}] = Properties['Metrics'] as readonly { readonly Expression?: string }[]
    const own = (Properties['Metrics'] as readonly { readonly Id: string }[]).slice(1).map(({ Id }) => Id)
    for (const id of own.filter((one) => one !== 'invocations')) expect(Expression).toContain(`FILL(${id}, 0)`)
  })

  it.each(Object.keys(alarms))('%s has a section in the runbook', (name) => {
    const runbook = readFileSync(new URL('../docs/runbook.md', import.meta.url), 'utf8')
    expect(runbook).toContain(`\n## ${name}\n`)
  })

  it('and the dashboard name only metrics that the listener, Lambda or DynamoDB writes', () => {
    const named = `${text}\n${textOf('dashboard.yml')}`.match(/(?<=MetricName: |", ")(Token|Live)[A-Z]\w+/g) ?? []
    expect(named.length).toBeGreaterThan(10)
    expect([...new Set(named)].filter((name) => !writtenMetrics().has(name))).toEqual([])
  })
})

describe('the page of failures', () => {
  it('names for each failure where it shows', () => {
    const page = readFileSync(new URL('../docs/failures.md', import.meta.url), 'utf8')
    const [failures = '', shown = ''] = page.split('## Where each failure shows')
    const firstCells = (text: string): readonly string[] =>
      [...text.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell = '']) => cell)
    expect(firstCells(failures).length).toBeGreaterThan(20)
    expect(firstCells(shown)).toEqual(firstCells(failures))
    const metrics = shown.match(/`Token[A-Z]\w+`/g)?.map((name) => name.slice(1, -1)) ?? []
    expect(metrics.filter((name) => !writtenMetrics().has(name))).toEqual([])
  })
})

describe('the dashboard', () => {
  it('has a body of JSON whose variables are parameters', () => {
    const { Dashboard } = resourcesOf('dashboard.yml')
    const body = String(Dashboard?.Properties['DashboardBody'])
    const { Parameters } = parse(textOf('dashboard.yml'), { logLevel: 'silent' }) as { Parameters: object }
    const variables = [...body.matchAll(/\$\{([^}]+)\}/g)].map(([, name = '']) => name)
    expect(variables.filter((name) => !(name in Parameters) && name !== 'AWS::Region')).toEqual([])
    const { widgets } = JSON.parse(body) as { widgets: readonly { type: string }[] }
    expect(widgets.map(({ type }) => type)).toEqual(['metric', 'metric', 'metric', 'metric'])
  })
})

describe('the roles', () => {
  interface Statement {
    readonly Action: string | readonly string[]
    readonly Resource: string
  }
  const roles = resourcesOf('roles.yml')
  const statementsOf = (name: string): readonly Statement[] => {
    const policies = roles[name]?.Properties['Policies'] as readonly { PolicyDocument: { Statement: Statement[] } }[]
    return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
  }
  const actionsOf = (name: string): readonly string[] => statementsOf(name).flatMap(({ Action }) => Action)

  it('of a reader cannot write, list or read the secret', () => {
    expect(actionsOf('ReaderRole')).toEqual(['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'kms:Decrypt'])
  })

  it('of a refresher can take a lease and read the secret, and cannot list', () => {
    expect(actionsOf('RefresherRole')).toEqual([
      'dynamodb:BatchGetItem',
      'dynamodb:GetItem',
      'dynamodb:UpdateItem',
      'secretsmanager:GetSecretValue',
      'kms:Decrypt',
    ])
  })

  it('of an operator can list, and cannot read the secret or delete', () => {
    expect(actionsOf('OperatorRole')).toContain('dynamodb:Scan')
    expect(actionsOf('OperatorRole').filter((one) => /secret|Delete|Put|\*/.test(one))).toEqual([])
  })

  it.each(Object.keys(roles))('%s has rights on named resources only', (name) => {
    expect(statementsOf(name).map(({ Resource }) => Resource)).not.toContain('*')
    expect(statementsOf(name).length).toBeGreaterThan(1)
  })
})
