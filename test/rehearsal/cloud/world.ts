import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { unzip } from '../artifact/unzip.ts'
import { DEPLOYER, REGION } from './account.ts'
import { checkMade } from './monitoring.ts'
import { type Mapping, memberAt } from './value.ts'

/** A function that was deployed. */
export interface DeployedFunction {
  readonly name: string
  readonly properties: Mapping
  /** What was uploaded, unpacked. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Of the zip, as Lambda shows it: base64 of SHA-256. */
  readonly sha256: string
  readonly size: number
  readonly modifiedAt: number
}

/** What resources become: some are made for real in the local servers, the others are only known. */
export interface World {
  readonly functions: Map<string, DeployedFunction>
  make(resource: Made): Promise<void>
  change(resource: Made): Promise<void>
  remove(resource: Made): Promise<void>
  /** The text of an object in a bucket. */
  readText(bucket: string, key: string): Promise<string>
  /** The names of all that is there: buckets, tables, secrets, functions, alarms, dashboards and keys. */
  list(): Promise<readonly string[]>
  close(): void
}

/** A resource with all its references put in. */
export interface Made {
  readonly type: string
  readonly physicalId: string
  readonly properties: Mapping
}

const KNOWN = [
  'AWS::SecretsManager::Secret',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::KMS::Key',
  'AWS::KMS::Alias',
]

/** Connects to the servers that hold buckets and tables. */
export function createWorld(addresses: { readonly s3: string; readonly dynamoDB: string }): World {
  const settings = { region: REGION, credentials: DEPLOYER, maxAttempts: 1 }
  const s3 = new S3Client({ ...settings, endpoint: addresses.s3 })
  const dynamoDB = new DynamoDBClient({ ...settings, endpoint: addresses.dynamoDB })
  const functions = new Map<string, DeployedFunction>()
  /** What is only known, by its name. */
  const known = new Set<string>()

  const readObject = async (Bucket: string, Key: string): Promise<Buffer> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
    return await buffer(Body as Readable)
  }
  const putFunction = async ({ physicalId: name, properties }: Made): Promise<void> => {
    const [bucket, key] = ['S3Bucket', 'S3Key'].map((member) => memberAt(properties, 'Code', member))
    if (typeof bucket !== 'string' || typeof key !== 'string') throw new Error(`${name}: Code names no object`)
    const zip = await readObject(bucket, key)
    const files = unzip(zip)
    const sha256 = createHash('sha256').update(zip).digest('base64')
    functions.set(name, { name, properties, files, sha256, size: zip.length, modifiedAt: Date.now() })
  }
  return {
    functions,
    make: async (resource) => {
      const { type, physicalId, properties } = resource
      checkMade(resource)
      if (type === 'AWS::S3::Bucket') await s3.send(new CreateBucketCommand({ Bucket: physicalId }))
      if (type === 'AWS::DynamoDB::Table') await dynamoDB.send(createTable(physicalId, properties))
      if (type === 'AWS::Lambda::Function') await putFunction(resource)
      if (KNOWN.includes(type)) known.add(physicalId)
    },
    change: async (resource) => {
      checkMade(resource)
      if (resource.type === 'AWS::Lambda::Function') await putFunction(resource)
    },
    remove: async ({ type, physicalId }) => {
      if (type === 'AWS::S3::Bucket') await s3.send(new DeleteBucketCommand({ Bucket: physicalId }))
      if (type === 'AWS::DynamoDB::Table') await deleteTable(dynamoDB, physicalId)
      if (type === 'AWS::Lambda::Function') functions.delete(physicalId)
      known.delete(physicalId)
    },
    readText: async (bucket, key) => (await readObject(bucket, key)).toString('utf8'),
    list: async () => {
      const [{ Buckets = [] }, { TableNames = [] }] = await Promise.all([
        s3.send(new ListBucketsCommand({})),
        dynamoDB.send(new ListTablesCommand({})),
      ])
      return [...Buckets.map(({ Name = '' }) => Name), ...TableNames, ...known, ...functions.keys()]
    },
    close: () => {
      s3.destroy()
      dynamoDB.destroy()
    },
  }
}

/** The server checks what it is given; what it does not know of a table (time to live, recovery) it is not told. */
function createTable(TableName: string, properties: Mapping): CreateTableCommand {
  const { AttributeDefinitions, KeySchema, BillingMode } = properties as unknown as CreateTableCommand['input']
  return new CreateTableCommand({ TableName, AttributeDefinitions, KeySchema, BillingMode })
}

const ATTEMPTS = 400
const PAUSE_MS = 25

/** A table is deleted a while after the server has said so; CloudFormation waits for it. */
async function deleteTable(client: DynamoDBClient, name: string): Promise<void> {
  await client.send(new DeleteTableCommand({ TableName: name }))
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { TableNames = [] } = await client.send(new ListTablesCommand({}))
    if (!TableNames.includes(name)) return
    await sleep(PAUSE_MS)
  }
  throw new Error(`The table ${name} is still there after ${(ATTEMPTS * PAUSE_MS) / 1000} s`)
}
