import { startIssuer, startProtectedApi, startSecretsManager } from '@warmtoken/local'
import { type Environment, type EnvironmentOptions, startEnvironment } from './artifact/start-environment.ts'
import type { SeenCall } from './cloud/gateway.ts'
import type { Stack, StackResource } from './cloud/stack.ts'
import { type Cloud, startCloud } from './cloud/start-cloud.ts'
import type { DeployedFunction } from './cloud/world.ts'
import { type Ended, serverless } from './command.ts'
import { type Role, roleOf } from './iam/role.ts'
import { type Decision, startEnforcement } from './iam/start-enforcement.ts'
import { makeServiceFolder, type ServiceFolder } from './service-folder.ts'

/** The stack that serverless.yml makes for the stage dev. */
export const STACK = 'warmtoken-example-dev'

const CLIENT = { id: 'contacts', secret: 'only-for-rehearsals' } as const

/** A place to rehearse in. */
export interface Rehearsal {
  readonly folder: ServiceFolder
  readonly cloud: Cloud
  /** Runs `serverless` with these arguments, and says which calls it made. */
  run(...args: readonly string[]): Promise<Ended & { readonly calls: readonly SeenCall[] }>
  /** Gives the secret of the stack its value, as an operator does after the first deployment. */
  putSecret(): void
  /** All that the commands have asked of AWS so far, as `cloudformation:CreateChangeSet`. */
  operations(): readonly string[]
  /** The stack as it stands. Throws when there is none. */
  stack(): Stack
  /** A deployed function, and what one environment of it gets. `without` takes a right from its role, as `dynamodb:GetItem`. */
  deployed(
    name: string,
    without?: string,
  ): { readonly deployed: DeployedFunction; readonly options: EnvironmentOptions }
  /** Starts a new execution environment of a deployed function. */
  start(name: string, without?: string): Promise<Environment>
  /** What was decided about the functions' requests since the last time this was asked. */
  decisions(): readonly Decision[]
  /** Token requests that the issuer has seen. */
  tokenRequests(): number
  close(): Promise<void>
}

/** How a rehearsal differs from that of serverless.yml. */
export interface RehearsalOptions {
  /** The stack that the service makes. */
  readonly stack?: string
  /** More variables of the functions, such as addresses of local servers. */
  readonly variables?: Readonly<Record<string, string>>
}

/** Starts all that a deployment and its functions talk to, on loopback ports, with a service folder of its own. */
export async function startRehearsal(options: RehearsalOptions = {}): Promise<Rehearsal> {
  const folder = makeServiceFolder()
  const [cloud, secrets, issuer] = await Promise.all([
    startCloud(),
    startSecretsManager(),
    startIssuer({ clients: [CLIENT], audience: 'urn:warmtoken:contacts' }),
  ])
  const [api, enforcement] = await Promise.all([
    startProtectedApi({ issuer: issuer.url, audience: issuer.audience }),
    startEnforcement({ dynamodb: cloud.dynamoDB, secretsmanager: secrets.url }),
  ])
  const environments: Environment[] = []
  const asked = new Set<string>()
  const settings = { ISSUER: issuer.url, CLIENT_ID: CLIENT.id, API_URL: api.url }

  const stack = (): Stack => {
    const name = options.stack ?? STACK
    const found = cloud.stack(name)
    if (found === undefined) throw new Error(`There is no stack ${name}`)
    return found
  }
  const deployed = (name: string, without?: string) => {
    const found = cloud.world.functions.get(name)
    if (found === undefined) throw new Error(`${name} is not deployed`)
    const keys = enforcement.keysFor(() => reduced(roleOf(stack(), name), without))
    // The servers are local, and the issuer speaks plain http, which only the last of these lets the function take.
    const variables = {
      AWS_ENDPOINT_URL_DYNAMODB: enforcement.urls.dynamodb,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: enforcement.urls.secretsmanager,
      ALLOW_INSECURE_ISSUER: 'true',
      ...options.variables,
    }
    return { deployed: found, options: { keys, variables } }
  }
  return {
    folder,
    cloud,
    stack,
    run: async (...args) => {
      cloud.calls()
      const ended = await serverless(args, { folder, endpoint: cloud.url, settings })
      const calls = cloud.calls()
      for (const { service, operation } of calls) asked.add(`${service}:${operation}`)
      return { ...ended, calls }
    },
    putSecret: () => {
      const isSecret = ({ type }: StackResource): boolean => type === 'AWS::SecretsManager::Secret'
      for (const { physicalId } of [...stack().resources.values()].filter(isSecret))
        secrets.put(physicalId, CLIENT.secret)
    },
    operations: () => [...asked].toSorted(),
    deployed,
    start: async (name, without) => {
      const { deployed: found, options } = deployed(name, without)
      const environment = await startEnvironment(found, options)
      environments.push(environment)
      return environment
    },
    decisions: enforcement.decisions,
    tokenRequests: () => issuer.tokenRequests,
    close: async () => {
      for (const environment of environments) environment.end()
      await Promise.all([cloud, secrets, issuer, api, enforcement].map((server) => server.close()))
      folder.remove()
    },
  }
}

function reduced(role: Role, without: string | undefined): Role {
  return {
    ...role,
    statements: role.statements.map((statement) => ({
      ...statement,
      actions: statement.actions.filter((action) => action !== without),
    })),
  }
}
