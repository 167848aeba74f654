/** A function that is deployed: its settings name the store, so that nobody has to know where the records are. @module */

import { resolve } from 'node:path'
import { asFields } from '@warmtoken/core/adapter'
import type { Context } from './context.ts'
import { EXIT, OperatorError } from './exit.ts'
import { partOf, readService } from './service.ts'

/** How long the request may take, in ms. */
const TIMEOUT = 10_000

/** Which function, as the options name it. */
export interface FunctionOptions {
  readonly function?: string | undefined
  readonly stage?: string | undefined
  readonly region?: string | undefined
}

/** What Lambda says about a function. */
export interface Deployed {
  readonly name: string
  readonly runtime: string | undefined
  /** In seconds. */
  readonly timeout: number | undefined
  readonly variables: Readonly<Record<string, string>>
}

/** Variables that name a store, and the option that each stands for. */
const VARIABLES = [
  ['TOKEN_TABLE', 'table'],
  ['TOKEN_BUCKET', 'bucket'],
  ['UPSTASH_REDIS_REST_URL', 'upstash'],
  ['REDIS_URL', 'redis'],
] as const

/** Reads the settings of a deployed function. A name in serverless.yml stands for the function that it deploys. */
export async function readDeployed(options: FunctionOptions, context: Pick<Context, 'cwd' | 'env'>): Promise<Deployed> {
  const { LambdaClient, GetFunctionConfigurationCommand } = await import('@aws-sdk/client-lambda')
  const FunctionName = await deployedName(options, context)
  const client = new LambdaClient({ ...(options.region && { region: options.region }) })
  try {
    const abortSignal = AbortSignal.timeout(TIMEOUT)
    const { Runtime, Timeout, Environment } = await client.send(new GetFunctionConfigurationCommand({ FunctionName }), {
      abortSignal,
    })
    return { name: FunctionName, runtime: Runtime, timeout: Timeout, variables: Environment?.Variables ?? {} }
  } catch (error) {
    throw refusal(FunctionName, error)
  } finally {
    client.destroy()
  }
}

/** The options that a function's variables stand for. Throws when none of them names a store. */
export function placeOf({ name, variables }: Deployed): {
  readonly [Option in (typeof VARIABLES)[number][1]]?: string
} {
  const [found] = VARIABLES.filter(([variable]) => variables[variable])
  if (found !== undefined) return { [found[1]]: variables[found[0]] }
  const names = VARIABLES.map(([variable]) => variable).join(', ')
  throw new OperatorError(
    `the function ${name} has none of the variables ${names}; name its store, such as --table <name>`,
  )
}

async function deployedName(options: FunctionOptions, { cwd }: Pick<Context, 'cwd'>): Promise<string> {
  const { function: name = '', stage } = options
  const service = await readService(resolve(cwd, 'serverless.yml'))
  const definition = asFields(partOf(service?.data, 'functions', name))
  if (definition === undefined) return name
  const given = definition['name']
  if (typeof given === 'string' && !given.includes('${')) return given
  return `${String(partOf(service?.data, 'service'))}-${stage ?? stageOf(service?.data)}-${name}`
}

/** The stage of a service file without options: a plain text, or the default in `${opt:stage, 'dev'}`. */
function stageOf(data: unknown): string {
  const stage = partOf(data, 'provider', 'stage')
  if (typeof stage !== 'string') return 'dev'
  return /^\$\{opt:stage, ?'([\w-]+)'\}$/.exec(stage)?.[1] ?? (stage.includes('${') ? 'dev' : stage)
}

/** What an operator can do about an error of Lambda. Its own message may quote the function's settings. */
function refusal(name: string, error: unknown): OperatorError {
  const { name: kind } = error instanceof Error ? error : new Error()
  if (kind === 'ResourceNotFoundException')
    return new OperatorError(`there is no function ${name} in this account and region; check --region and --stage`)
  if (/^(AccessDenied|UnrecognizedClient|InvalidSignature|ExpiredToken|InvalidClientTokenId)/.test(kind))
    return new OperatorError(
      `access denied; to read ${name} you need lambda:GetFunctionConfiguration (${kind})`,
      EXIT.denied,
    )
  if (kind === 'CredentialsProviderError')
    return new OperatorError('there are no credentials; sign in, or set AWS_PROFILE', EXIT.denied)
  if (error instanceof Error && /Region is missing/.test(error.message))
    return new OperatorError('there is no region; give --region, or set AWS_REGION', EXIT.usage)
  return new OperatorError(`the request to Lambda about ${name} failed (${kind})`)
}
