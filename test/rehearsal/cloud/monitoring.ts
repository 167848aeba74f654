/** What CloudWatch and KMS refuse although a template is valid. @module */

import { globalArnOf } from './account.ts'
import { isList, isMapping, type Mapping, member, memberAt, textsOf, type Value } from './value.ts'
import type { Made } from './world.ts'

const COMPARISONS = [
  'GreaterThanOrEqualToThreshold',
  'GreaterThanThreshold',
  'LessThanThreshold',
  'LessThanOrEqualToThreshold',
]
/** Words of an expression that are no ids of metrics. */
const FUNCTIONS = ['FILL', 'IF', 'MAX', 'SUM']
/** CloudWatch takes up to so many metrics in one alarm. */
const MAX_METRICS = 10
/** Seconds of a day: an alarm looks at no more. */
const MAX_LOOK = 86_400

/** Throws with the reason that the service would give. Other types are taken as they are. */
export function checkMade({ type, properties }: Pick<Made, 'type' | 'properties'>): void {
  if (type === 'AWS::CloudWatch::Alarm') checkAlarm(properties)
  if (type === 'AWS::CloudWatch::Dashboard') checkDashboard(properties)
  if (type === 'AWS::KMS::Key') checkKeyPolicy(member(properties, 'KeyPolicy'))
}

function checkAlarm(properties: Mapping): void {
  const { ComparisonOperator: comparison, Threshold: threshold, Metrics: metrics } = properties
  if (typeof comparison !== 'string' || !COMPARISONS.includes(comparison)) throw new Error('unknown ComparisonOperator')
  if (!Number.isFinite(Number(threshold))) throw new Error('the Threshold is not a number')
  if (!isList(metrics) || metrics.length > MAX_METRICS)
    throw new Error(`Metrics must be a list of up to ${MAX_METRICS}`)
  const ids = metrics.map((metric) => String(member(metric, 'Id')))
  if (ids.some((id) => !/^[a-z]\w*$/.test(id)) || new Set(ids).size !== ids.length)
    throw new Error('each metric must have an Id of its own that begins with a small letter')
  const returned = metrics.filter((metric) => member(metric, 'ReturnData') === true)
  if (returned.length !== 1) throw new Error('exactly one metric must have ReturnData: true')
  for (const metric of metrics) checkMetric(metric, ids)
  const seconds = metrics.map((metric) => Number(memberAt(metric, 'MetricStat', 'Period') ?? 0))
  if (Math.max(...seconds) * Number(properties['EvaluationPeriods']) > MAX_LOOK)
    throw new Error('the alarm looks back for more than a day')
}

function checkMetric(metric: Value, ids: readonly string[]): void {
  const expression = member(metric, 'Expression')
  if (typeof expression === 'string') {
    const words = expression.match(/[A-Za-z_]\w*/g) ?? []
    const strange = words.filter((word) => !ids.includes(word) && !FUNCTIONS.includes(word))
    if (strange.length > 0) throw new Error(`the expression names ${strange.join(', ')}, which is no metric`)
    return
  }
  const dimensions = memberAt(metric, 'MetricStat', 'Metric', 'Dimensions')
  const isWhole =
    isList(dimensions) && dimensions.every((one) => texts(one, 'Name', 'Value').every((text) => text !== ''))
  if (!isWhole) throw new Error('each dimension must have a Name and a Value that is not empty')
  if (Number(memberAt(metric, 'MetricStat', 'Period')) % 60 !== 0) throw new Error('a Period must be whole minutes')
}

function texts(value: Value, ...names: readonly string[]): readonly string[] {
  return names.map((name) => textsOf(member(value, name))?.[0] ?? '')
}

function checkDashboard({ DashboardName: name, DashboardBody: body }: Mapping): void {
  if (typeof name === 'string' && !/^[\w-]{1,255}$/.test(name))
    throw new Error(`${name} cannot be the name of a dashboard`)
  const parsed: unknown = JSON.parse(String(body))
  const widgets = isMapping(parsed) ? parsed['widgets'] : undefined
  if (!isList(widgets) || widgets.length === 0) throw new Error('the body of the dashboard has no widgets')
}

/** KMS refuses a policy by which nobody could change the policy any more. */
function checkKeyPolicy(policy: Value | undefined): void {
  const statements = member(policy, 'Statement')
  const isSafe =
    isList(statements) &&
    statements.some((statement) => {
      const [effect = '', action = ''] = texts(statement, 'Effect', 'Action')
      const principal = memberAt(statement, 'Principal', 'AWS')
      return effect === 'Allow' && action === 'kms:*' && principal === globalArnOf('iam', 'root')
    })
  if (policy !== undefined && !isSafe) throw new Error('the key policy would not let the account manage the key')
}
