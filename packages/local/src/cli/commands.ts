import { startDynamoDB } from '../dynamodb/start-dynamodb.ts'
import { startDynoxide } from '../dynamodb/start-dynoxide.ts'
import { seededRandom } from '../faults/seeded-random.ts'
import { startFaultProxy } from '../faults/start-fault-proxy.ts'
import { startRedisServer } from '../process/redis-server.ts'
import { LOCAL_CREDENTIALS, startS3 } from '../s3/start-s3.ts'
import { startUpstash } from '../upstash/start-upstash.ts'
import { defined, listFlag, numberFlag, portFlag, textFlag } from './flags.ts'
import { parseFault } from './parse-fault.ts'
import type { FlagSpec, ServerCommand } from './server-command.ts'
import { PORT } from './server-command.ts'
import { UsageError } from './usage-error.ts'

const KEYS = `AWS_ACCESS_KEY_ID=${LOCAL_CREDENTIALS.accessKeyId} AWS_SECRET_ACCESS_KEY=${LOCAL_CREDENTIALS.secretAccessKey}`
const TABLE: FlagSpec = {
  type: 'string',
  multiple: true,
  value: 'NAME',
  help: 'table to create, with the string hash key pk; may be repeated',
}

const dynamodb: ServerCommand = {
  summary: 'DynamoDB in memory (dynalite)',
  flags: { port: PORT, table: TABLE },
  prepare: (values) => {
    const options = defined({ port: portFlag(values), tables: listFlag(values, 'table') })
    return async () => {
      const server = await startDynamoDB(options)
      return { server, usage: [`AWS_ENDPOINT_URL_DYNAMODB=${server.url} AWS_REGION=us-east-1 ${KEYS}`] }
    }
  },
}

const dynoxide: ServerCommand = {
  summary: 'DynamoDB in memory, also with the image of a failed condition (dynoxide; DYNOXIDE_BIN names the program)',
  flags: { port: PORT, table: TABLE },
  prepare: (values, { DYNOXIDE_BIN }) => {
    const options = defined({ port: portFlag(values), tables: listFlag(values, 'table'), binary: DYNOXIDE_BIN })
    return async () => {
      const server = await startDynoxide(options)
      return { server, usage: [`AWS_ENDPOINT_URL_DYNAMODB=${server.url} AWS_REGION=us-east-1 ${KEYS}`] }
    }
  },
}

const s3: ServerCommand = {
  summary: 'S3 in memory, with conditional writes and verified signatures',
  flags: {
    port: PORT,
    bucket: { type: 'string', multiple: true, value: 'NAME', help: 'bucket to create; may be repeated' },
    'ignore-conditions': { type: 'boolean', help: 'ignore conditional writes, as some S3-compatibles do' },
  },
  prepare: (values) => {
    const ignoreConditions = values['ignore-conditions'] === true
    const options = defined({ port: portFlag(values), buckets: listFlag(values, 'bucket'), ignoreConditions })
    return async () => {
      const server = await startS3(options)
      return { server, usage: [`AWS_ENDPOINT_URL_S3=${server.url} AWS_REGION=us-east-1 ${KEYS}`] }
    }
  },
}

const upstash: ServerCommand = {
  summary: "Upstash's REST API, over memory or over a real Redis",
  flags: {
    port: PORT,
    token: { type: 'string', value: 'TOKEN', help: 'bearer token; default local-token' },
    'redis-port': { type: 'string', value: 'N', help: 'port of a Redis server on this machine; default in memory' },
  },
  prepare: (values) => {
    const redisPort = numberFlag(values, 'redis-port', { min: 1, max: 65_535 })
    const redis = redisPort === undefined ? undefined : { port: redisPort }
    const options = defined({ port: portFlag(values), token: textFlag(values, 'token'), redis })
    return async () => {
      const server = await startUpstash(options)
      return { server, usage: [`UPSTASH_REDIS_REST_URL=${server.url} UPSTASH_REDIS_REST_TOKEN=${server.token}`] }
    }
  },
}

const redis: ServerCommand = {
  summary: 'a real redis-server that keeps nothing',
  flags: {
    port: PORT,
    binary: { type: 'string', value: 'PATH', help: 'program to run; default redis-server' },
  },
  prepare: (values) => {
    const options = defined({ port: portFlag(values), binary: textFlag(values, 'binary') })
    return async () => {
      const server = await startRedisServer(options)
      return { server, usage: [`redis-cli -u ${server.url}`, `warmtoken-local upstash --redis-port ${server.port}`] }
    }
  },
}

const faults: ServerCommand = {
  summary: 'a proxy that makes requests fail',
  flags: {
    port: PORT,
    target: { type: 'string', value: 'URL', help: 'server behind the proxy, e.g. http://127.0.0.1:8000; required' },
    fault: {
      type: 'string',
      multiple: true,
      value: 'SPEC',
      help: 'KIND:before|after:PROBABILITY[:VALUE], e.g. reset:after:0.05 or status:before:0.1:503; may be repeated',
    },
    seed: { type: 'string', value: 'N', help: 'seed of the choice of faults; default 1' },
  },
  prepare: (values) => {
    const target = textFlag(values, 'target')
    if (!target || !/^http:\/\/[^/]+\/?$/.test(target)) {
      throw new UsageError('--target must be given as an http URL without a path, e.g. http://127.0.0.1:8000')
    }
    const plan = listFlag(values, 'fault').map(parseFault)
    if (plan.reduce((sum, { probability }) => sum + probability, 0) > 1 + 1e-9) {
      throw new UsageError('--fault: the probabilities add up to more than 1')
    }
    const random = seededRandom(numberFlag(values, 'seed', { min: 0, max: 2 ** 32 - 1 }) ?? 1)
    const options = { target, plan, random, ...defined({ port: portFlag(values) }) }
    return async () => {
      const server = await startFaultProxy(options)
      return { server, usage: [`Use ${server.url} in place of ${target}`] }
    }
  },
}

/** All subcommands by name. */
export const COMMANDS: Readonly<Record<string, ServerCommand>> = { dynamodb, dynoxide, s3, upstash, redis, faults }
