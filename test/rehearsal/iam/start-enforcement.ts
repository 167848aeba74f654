import { randomBytes } from 'node:crypto'
import { type Fault, type FaultProxy, type ProxiedRequest, startFaultProxy } from '@warmtoken/local'
import { faultOf, type Keys, readClaim } from '../cloud/signature.ts'
import { type Asked, allows } from './policy.ts'
import { rightsFor, type Service } from './rights.ts'
import type { Role } from './role.ts'

/** What was decided about one right. */
export interface Decision extends Asked {
  readonly allowed: boolean
  /** The role of who asked. */
  readonly role: string
}

/** Services behind what IAM would say. */
export interface Enforcement {
  /** For `AWS_ENDPOINT_URL_DYNAMODB`, and so on. */
  readonly urls: Readonly<Record<Service, string>>
  /**
   * Gives keys for a role, as Lambda gives them to a function. The role is read again at each request, so that a change
   * of it counts at once.
   */
  keysFor(role: () => Role): Keys & { readonly sessionToken: string }
  /** All decisions since the last time this was asked. */
  decisions(): readonly Decision[]
  close(): Promise<void>
}

/** Starts a proxy before each service that lets pass what is rightly signed and what the signer's role allows. */
export async function startEnforcement(targets: Readonly<Record<Service, string>>): Promise<Enforcement> {
  const sessions = new Map<string, { readonly keys: Keys; readonly role: () => Role }>()
  let decided: Decision[] = []

  const judge = (service: Service, request: ProxiedRequest): Fault | undefined => {
    const headers = new Map(request.headers.map(([name, value]) => [name.toLowerCase(), value]))
    const signed = { ...request, headers }
    const claim = readClaim(signed)
    const session = sessions.get(claim?.accessKeyId ?? '')
    if (session === undefined) return refusal('UnrecognizedClientException', 'The security token is invalid.')
    const fault = claim?.service === service ? faultOf(signed, session.keys) : 'signed for another service'
    if (fault !== undefined) return refusal('InvalidSignatureException', fault)
    const operation = headers.get('x-amz-target')?.split('.')[1] ?? 'none'
    const { name, statements, principal } = session.role()
    const decisions = rightsFor(service, operation, request.body.toString('utf8')).map((asked) => {
      return { ...asked, allowed: allows(statements, asked), role: name }
    })
    decided.push(...decisions)
    const denied = decisions.find(({ allowed }) => !allowed)
    if (denied === undefined) return undefined
    const { action, resource } = denied
    const why = `because no identity-based policy allows the ${action} action`
    return refusal(
      'AccessDeniedException',
      `User: ${principal} is not authorized to perform: ${action} on resource: ${resource} ${why}`,
    )
  }

  const before = (service: Service): Promise<FaultProxy> =>
    startFaultProxy({ target: targets[service], plan: (request) => judge(service, request) })
  const [dynamodb, secretsmanager] = await Promise.all([before('dynamodb'), before('secretsmanager')])
  return {
    urls: { dynamodb: dynamodb.url, secretsmanager: secretsmanager.url },
    keysFor: (role) => {
      const keys = {
        accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
        secretAccessKey: randomBytes(20).toString('hex'),
        sessionToken: randomBytes(32).toString('base64url'),
      }
      sessions.set(keys.accessKeyId, { keys, role })
      return keys
    },
    decisions: () => {
      const told = decided
      decided = []
      return told
    },
    close: async () => void (await Promise.all([dynamodb.close(), secretsmanager.close()])),
  }
}

function refusal(code: string, message: string): Fault {
  return {
    kind: 'status',
    when: 'before',
    status: 400,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify({ __type: `com.amazon.coral.service#${code}`, message }),
  }
}
