import { readFileSync } from 'node:fs'
import { Command, Option } from '@commander-js/extra-typings'
import type { LocalServer } from '../http/listen.ts'
import { collect, parseClient, parseHttpUrl, parseText, wholeNumber } from './arguments.ts'
import { collectFaults } from './parse-fault.ts'

/** A server that was started from the command line. */
export interface StartedServer {
  readonly server: LocalServer
  /** How to use it: lines to print, with settings or code to copy. */
  readonly usage: readonly string[]
}

/** Starts a server, prints its address, and closes it on Ctrl-C. */
export type Serve = (name: string, start: () => Promise<StartedServer>) => Promise<void>

const PORT = ['--port <n>', 'port to listen on; default a free one', wholeNumber(0, 65_535)] as const
const TABLE = ['--table <name>', 'table to create, with the string hash key pk; may be repeated', collect] as const

/**
 * The command line of `warmtoken-local`. The module of a server loads when its command runs, so that `--help` is quick.
 * It throws `CommanderError` instead of ending the process: with exit code 0 for help, with a message that names the
 * argument for bad usage.
 */
export function createProgram(serve: Serve): Command {
  const program = new Command('warmtoken-local')
    .description('Starts one server on this machine and prints its address. Ctrl-C ends it.')
    .version(version())
    .exitOverride()
    // The caller prints errors, once and with the name of the program.
    .configureOutput({ outputError: () => {} })
  addStores(program, serve)
  addRedis(program, serve)
  addIssuer(program, serve)
  addFaults(program, serve)
  return program
}

function addStores(program: Command, serve: Serve): void {
  program
    .command('dynamodb')
    .description('DynamoDB in memory (dynalite)')
    .option(...PORT)
    .option(...TABLE)
    .action(({ port, table }) =>
      serve('dynamodb', async () => {
        const { startDynamoDB } = await import('../dynamodb/start-dynamodb.ts')
        const server = await startDynamoDB(defined({ port, tables: table }))
        return { server, usage: [await awsSettings('DYNAMODB', server.url)] }
      }),
    )
  program
    .command('dynoxide')
    .description('DynamoDB in memory, also with the image of a failed condition (dynoxide)')
    .option(...PORT)
    .option(...TABLE)
    .addOption(
      new Option('--binary <path>', 'program to run; default the one from the package')
        .env('DYNOXIDE_BIN')
        .argParser(parseText),
    )
    .action(({ port, table, binary }) =>
      serve('dynoxide', async () => {
        const { startDynoxide } = await import('../dynamodb/start-dynoxide.ts')
        const server = await startDynoxide(defined({ port, tables: table, binary }))
        return { server, usage: [await awsSettings('DYNAMODB', server.url)] }
      }),
    )
  program
    .command('s3')
    .description('S3 in memory, with conditional writes and verified signatures')
    .option(...PORT)
    .option('--bucket <name>', 'bucket to create; may be repeated', collect)
    .option('--ignore-conditions', 'ignore conditional writes, as some S3-compatibles do')
    .action(({ port, bucket, ignoreConditions }) =>
      serve('s3', async () => {
        const { startS3 } = await import('../s3/start-s3.ts')
        const server = await startS3(defined({ port, buckets: bucket, ignoreConditions }))
        return { server, usage: [await awsSettings('S3', server.url)] }
      }),
    )
}

function addRedis(program: Command, serve: Serve): void {
  program
    .command('upstash')
    .description("Upstash's REST API, over memory or over a real Redis")
    .option(...PORT)
    .option('--token <token>', 'bearer token; default local-token', parseText)
    .option('--redis-port <n>', 'port of a Redis server on this machine; default in memory', wholeNumber(1, 65_535))
    .action(({ port, token, redisPort }) =>
      serve('upstash', async () => {
        const { startUpstash } = await import('../upstash/start-upstash.ts')
        const redis = redisPort === undefined ? undefined : { port: redisPort }
        const server = await startUpstash(defined({ port, token, redis }))
        return { server, usage: [`UPSTASH_REDIS_REST_URL=${server.url} UPSTASH_REDIS_REST_TOKEN=${server.token}`] }
      }),
    )
  program
    .command('redis')
    .description('a real redis-server that keeps nothing')
    .option(...PORT)
    .option('--binary <path>', 'program to run; default redis-server', parseText)
    .action(({ port, binary }) =>
      serve('redis', async () => {
        const { startRedisServer } = await import('../process/redis-server.ts')
        const server = await startRedisServer(defined({ port, binary }))
        return { server, usage: [`redis-cli -u ${server.url}`, `warmtoken-local upstash --redis-port ${server.port}`] }
      }),
    )
}

function addIssuer(program: Command, serve: Serve): void {
  program
    .command('issuer')
    .description('an OpenID provider that issues access tokens')
    .option(...PORT)
    .option('--client <id:secret>', 'client that may ask; may be repeated; default local:local-secret', parseClient)
    .option('--audience <uri>', 'the API that the tokens are for; default urn:warmtoken:api', parseText)
    .option('--scope <name>', 'scope that a client may ask for; may be repeated; default contacts:read', collect)
    .option('--token-lifetime <seconds>', 'lifetime of a token; default 3600', wholeNumber(1, 86_400))
    .option('--delay <ms>', 'how long a token request takes; default 0', wholeNumber(0, 600_000))
    .action(({ port, client: clients, audience, scope: scopes, tokenLifetime, delay }) =>
      serve('issuer', async () => {
        const { startIssuer } = await import('../issuer.ts')
        const lifetime = tokenLifetime === undefined ? undefined : tokenLifetime * 1000
        const server = await startIssuer(defined({ port, clients, audience, scopes, tokenLifetime: lifetime, delay }))
        const [first = { id: 'local' }] = clients ?? []
        return {
          server,
          usage: [
            `Use issuer: '${server.url}', clientId: '${first.id}' and allowInsecure: true in clientCredentials`,
            `warmtoken-local api --issuer ${server.url} --audience ${server.audience}`,
            `curl ${server.url}/_count says how many token requests came`,
          ],
        }
      }),
    )
  program
    .command('api')
    .description('an API whose GET /contacts requires a token of an issuer')
    .option(...PORT)
    .requiredOption('--issuer <url>', 'address of the issuer, e.g. http://127.0.0.1:9000; required', parseHttpUrl)
    .option('--audience <uri>', 'audience that a token must carry; default urn:warmtoken:api', parseText)
    .action(({ port, issuer, audience = 'urn:warmtoken:api' }) =>
      serve('api', async () => {
        const { startProtectedApi } = await import('../protected-api.ts')
        const server = await startProtectedApi({ issuer, audience, ...defined({ port }) })
        return {
          server,
          usage: [
            `GET ${server.url}/contacts answers a bearer token of ${issuer}`,
            `curl -X POST ${server.url}/_refuse revokes the token that it accepted last`,
          ],
        }
      }),
    )
}

function addFaults(program: Command, serve: Serve): void {
  const command = program
    .command('faults')
    .description('a proxy that makes requests fail')
    .option(...PORT)
    .requiredOption('--target <url>', 'server behind the proxy, e.g. http://127.0.0.1:8000; required', parseHttpUrl)
    .option(
      '--fault <spec>',
      'KIND:before|after:PROBABILITY[:VALUE], e.g. reset:after:0.05 or status:before:0.1:503; may be repeated',
      collectFaults,
    )
    .option('--seed <n>', 'seed of the choice of faults; default 1', wholeNumber(0, 2 ** 32 - 1))
  command.action(({ port, target, fault: plan = [], seed = 1 }) => {
    if (plan.reduce((sum, { probability }) => sum + probability, 0) > 1 + 1e-9) {
      command.error('--fault: the probabilities add up to more than 1')
    }
    return serve('faults', async () => {
      const { seededRandom } = await import('../faults/seeded-random.ts')
      const { startFaultProxy } = await import('../faults/start-fault-proxy.ts')
      const server = await startFaultProxy({ target, plan, random: seededRandom(seed), ...defined({ port }) })
      return { server, usage: [`Use ${server.url} in place of ${target}`] }
    })
  })
}

async function awsSettings(service: 'DYNAMODB' | 'S3', url: string): Promise<string> {
  const { LOCAL_CREDENTIALS } = await import('../s3/start-s3.ts')
  const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS
  const keys = `AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey}`
  return `AWS_ENDPOINT_URL_${service}=${url} AWS_REGION=us-east-1 ${keys}`
}

/** The same object without the members that are undefined, which exact optional options do not take. */
function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> }
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : ''
}
