/**
 * Servers and accounts of its own, named by environment variables. The suite writes some hundred small records with
 * keys that begin with `conformance~`; DynamoDB and Redis drop them after an hour, in S3 a lifecycle rule must.
 *
 * - `WARMTOKEN_TEST_DYNAMODB_TABLE`: a table with hash key `pk` (S); with `WARMTOKEN_TEST_DYNAMODB_ENDPOINT` at that
 *   address (DynamoDB Local, with any credentials), else in the account that the SDK finds
 * - `WARMTOKEN_TEST_S3_BUCKET`: a bucket; with `WARMTOKEN_TEST_S3_ENDPOINT`, `…_S3_KEY` and `…_S3_SECRET` on another
 *   server than AWS, and with `WARMTOKEN_TEST_S3_UNQUOTED=1` on one that knows no quoted ETags (radosgw 16)
 * - `WARMTOKEN_TEST_UPSTASH_URL` and `WARMTOKEN_TEST_UPSTASH_TOKEN`: a database
 * - `WARMTOKEN_TEST_CLOCK_SKEW`: how far their clocks may be from this machine's, in ms; default 2,000
 *
 * @module
 */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import type { Backend } from './backend.ts'
import { localDynamoDB, lookIntoTable } from './dynamodb.ts'
import { withoutQuotes } from './radosgw.ts'
import { plantObject } from './s3.ts'
import { lookIntoRedis } from './upstash.ts'

function named(name: string): string | undefined {
  return process.env[`WARMTOKEN_TEST_${name}`]
}

const clockSkew = Number(named('CLOCK_SKEW') ?? 2_000)

function dynamoDBAccount(table: string): Backend {
  return {
    name: 'DynamoDB account',
    async start() {
      const endpoint = named('DYNAMODB_ENDPOINT')
      const client = endpoint === undefined ? new DynamoDBClient() : localDynamoDB(endpoint)
      const connect = () => dynamoDBStore({ table, ...(endpoint !== undefined && { client }) })
      const close = async () => client.destroy()
      return { url: undefined, answers: {}, clockSkew, ...lookIntoTable(client, table), connect, close }
    },
  }
}

function s3Account(bucket: string): Backend {
  return {
    name: 'S3 account',
    async start() {
      const endpoint = named('S3_ENDPOINT')
      const credentials = { accessKeyId: named('S3_KEY') ?? '', secretAccessKey: named('S3_SECRET') ?? '' }
      const settings = {
        maxAttempts: 3,
        requestHandler: { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      } as const
      const elsewhere = { endpoint, region: 'us-east-1', credentials, forcePathStyle: true }
      const client = new S3Client(endpoint === undefined ? settings : { ...settings, ...elsewhere })
      const connect = () => s3Store({ bucket, client: named('S3_UNQUOTED') === '1' ? withoutQuotes(client) : client })
      const close = async () => client.destroy()
      return {
        url: undefined,
        answers: {},
        clockSkew,
        plant: plantObject(client, bucket),
        keepUntilOf: async () => undefined,
        connect,
        close,
      }
    },
  }
}

function upstashAccount(url: string, token: string): Backend {
  return {
    name: 'Upstash account',
    async start() {
      const connect = () => upstashStore({ url, token })
      return { url: undefined, answers: {}, clockSkew, ...lookIntoRedis(url, token), connect, close: async () => {} }
    },
  }
}

const [table, bucket, url, token] = ['DYNAMODB_TABLE', 'S3_BUCKET', 'UPSTASH_URL', 'UPSTASH_TOKEN'].map(named)

/** Those that the environment names. */
export const accounts: readonly Backend[] = [
  ...(table === undefined ? [] : [dynamoDBAccount(table)]),
  ...(bucket === undefined ? [] : [s3Account(bucket)]),
  ...(url === undefined || token === undefined ? [] : [upstashAccount(url, token)]),
]
