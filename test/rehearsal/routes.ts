import type { Stack, StackResource } from './cloud/stack.ts'
import { isList, member } from './cloud/value.ts'

/** Who calls a function of the stack, and with what. */
export interface Trigger {
  /** `GET /contacts`, or the expression of a schedule. */
  readonly name: string
  readonly functionName: string
  readonly event: object
}

/**
 * Follows each route, rule and schedule of a stack to its function, as API Gateway and EventBridge do.
 *
 * @throws Error when one leads nowhere, or when its service may not invoke the function
 */
export function triggersOf(stack: Stack): readonly Trigger[] {
  const all = [...stack.resources.values()]
  const ofType = (type: string): readonly StackResource[] => all.filter((one) => one.type === type)
  const routes = ofType('AWS::ApiGatewayV2::Route').map((route) => {
    const name = String(route.properties['RouteKey'])
    const functionName = functionOfRoute(all, route)
    requirePermission(all, functionName, 'apigateway.amazonaws.com')
    return { name, functionName, event: httpEvent(name) }
  })
  const schedules = ofType('AWS::Events::Rule').flatMap(({ logicalId, properties }) => {
    const targets = properties['Targets']
    return (isList(targets) ? targets : []).map((target) => {
      const functionName = functionNamed(all, member(target, 'Arn'), logicalId)
      requirePermission(all, functionName, 'events.amazonaws.com')
      const event = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} }
      return { name: String(properties['ScheduleExpression']), functionName, event }
    })
  })
  // EventBridge Scheduler assumes a role instead of asking for a permission.
  const ticks = ofType('AWS::Scheduler::Schedule').map(({ logicalId, properties }) => ({
    name: String(properties['ScheduleExpression']),
    functionName: functionNamed(all, member(properties['Target'], 'Arn'), logicalId),
    event: { source: 'aws.scheduler', 'detail-type': 'Scheduled Event', detail: '{}' },
  }))
  return [...routes, ...schedules, ...ticks]
}

/** The functions that an HTTP API calls. */
export function calledByHttp(stack: Stack): ReadonlySet<string> {
  const all = [...stack.resources.values()]
  const routes = all.filter(({ type }) => type === 'AWS::ApiGatewayV2::Route')
  return new Set(routes.map((route) => functionOfRoute(all, route)))
}

function functionOfRoute(all: readonly StackResource[], { logicalId, properties }: StackResource): string {
  const target = String(properties['Target']).replace('integrations/', '')
  const integration = all.find(({ physicalId }) => physicalId === target)
  return functionNamed(all, member(integration?.properties, 'IntegrationUri'), logicalId)
}

/** The triggers that a made-up event is enough for: reads and schedules. Others need an event of their own. */
export function callableOf(stack: Stack): readonly Trigger[] {
  return triggersOf(stack).filter(({ name }) => /^(GET |rate\(|cron\()/.test(name))
}

function functionNamed(all: readonly StackResource[], arn: unknown, from: string): string {
  const name = String(arn).split(':function:')[1]
  const found = all.find(({ type, physicalId }) => type === 'AWS::Lambda::Function' && physicalId === name)
  if (found === undefined) throw new Error(`${from} leads to no function of the stack`)
  return found.physicalId
}

/** A permission for the service, bound to one source: else anyone's rule or API could call the function. */
function requirePermission(all: readonly StackResource[], functionName: string, service: string): void {
  const found = all.some(({ type, properties }) => {
    const isFor = String(properties['FunctionName']).endsWith(`:function:${functionName}`)
    const isBound = String(properties['SourceArn']).startsWith('arn:aws:')
    return type === 'AWS::Lambda::Permission' && isFor && isBound && properties['Principal'] === service
  })
  if (!found) throw new Error(`${service} may not invoke ${functionName}`)
}

/** An event in payload format 2.0, as far as a handler without a body reads it. */
function httpEvent(route: string): object {
  const [method = 'GET', path = '/'] = route.split(' ')
  return {
    version: '2.0',
    routeKey: route,
    rawPath: path,
    rawQueryString: '',
    headers: {},
    requestContext: { http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'rehearsal' } },
    isBase64Encoded: false,
  }
}
