/** What `doctor` learns about a set-up. Each fact is learned once, when the first rule asks. @module */

import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb'
import type { Image, Swapped } from '@warmtoken/core/adapter'
import { isStoreFault } from '@warmtoken/core/adapter'
import { isExclusive, parseValueRecord, readSeen, sealingOf, walkKeys } from '@warmtoken/core/operate'
import { emptyRecord, printRecord } from '@warmtoken/core/record'
import { systemRuntime } from '@warmtoken/core/runtime'
import type { Context } from '../context.ts'
import type { Deployed } from '../deployed.ts'
import type { Place, PlaceOptions } from '../place.ts'
import type { Service } from '../service.ts'
import { type BucketFacts, describeBucket } from './bucket.ts'
import { describeRedis, type RedisFacts } from './redis.ts'

/** The one key that the probe writes. Its record is empty, and kept for a day. */
export const PROBE_KEY: string = `doctor~${'0'.repeat(40)}`
const PROBE_KEPT = 86_400_000
/** How many records the sample takes. */
const SAMPLE = 200
/** How long one request may take, in ms. */
const TIMEOUT = 10_000

/** What the probe found: conditional requests, and a batch, on a key of its own. */
export interface Probe {
  /** What could not be done, by the store's own words. */
  readonly refused?: { readonly operation: 'read' | 'write'; readonly code: string; readonly message: string }
  /** Whether the store wrote although the condition did not hold. */
  readonly ignoresConditions: boolean
  /** How far this machine's clock is off, in ms at least. `undefined`: the store did not say the time. */
  readonly clockOff: number | undefined
  /** A right that only speed needs, and that is missing. */
  readonly lacks: string | undefined
}

/** Facts of a table that DynamoDB states itself. */
export interface TableFacts {
  readonly exists: boolean
  /** The key, as `pk (S)`; a sort key follows. */
  readonly key: string
  /** The attribute of time to live, while that is on. */
  readonly timeToLive: string | undefined
  readonly hasBackups: boolean
  /** The other regions of a global table. */
  readonly replicas: readonly string[]
}

/** Some of the records. */
export interface Sample {
  readonly size: number
  readonly plain: number
  readonly exclusive: number
}

/** Everything that the rules may ask for. */
export interface Facts {
  readonly place: Place | undefined
  readonly service: Service | undefined
  /** The function that was named, as it is deployed. */
  readonly deployed: Deployed | undefined
  readonly cwd: string
  /** `undefined` when the store is not a table. */
  readonly table: () => Promise<TableFacts | undefined>
  /** `undefined` when the store is not a bucket. */
  readonly bucket: () => Promise<BucketFacts | undefined>
  /** `undefined` when the store is not a Redis, or its server does not say. */
  readonly redis: () => Promise<RedisFacts | undefined>
  readonly probe: () => Promise<Probe | undefined>
  readonly sample: () => Promise<Sample | undefined>
}

interface Parts {
  readonly options: PlaceOptions
  readonly place: Place | undefined
  readonly service: Service | undefined
  readonly deployed: Deployed | undefined
}

/** Makes the facts of a set-up. */
export function gatherFacts(context: Context, { options, place, service, deployed }: Parts): Facts {
  return {
    place,
    service,
    deployed,
    cwd: context.cwd,
    table: once(async () => (options.table === undefined ? undefined : describeTable(options.table, options))),
    bucket: once(async () => (options.bucket === undefined ? undefined : describeBucket(options.bucket, options))),
    redis: once(async () =>
      place === undefined || options.redis === undefined
        ? undefined
        : describeRedis(place, { url: options.redis, context }),
    ),
    probe: once(async () => place && probe(place, context)),
    sample: once(async () => place && takeSample(place, context)),
  }
}

function once<T>(learn: () => Promise<T>): () => Promise<T> {
  let learned: Promise<T> | undefined
  return () => {
    learned ??= learn()
    return learned
  }
}

async function describeTable(table: string, { region, endpoint }: PlaceOptions): Promise<TableFacts> {
  const client = new DynamoDBClient({ ...(region && { region }), ...(endpoint && { endpoint }) })
  const signal = AbortSignal.timeout(TIMEOUT)
  const input = { TableName: table }
  try {
    const { Table } = await client.send(new DescribeTableCommand(input), { abortSignal: signal })
    const ttl = await client.send(new DescribeTimeToLiveCommand(input), { abortSignal: signal })
    const backups = await client.send(new DescribeContinuousBackupsCommand(input), { abortSignal: signal })
    const types = new Map(Table?.AttributeDefinitions?.map((one) => [one.AttributeName, one.AttributeType]))
    const { TimeToLiveStatus: status, AttributeName: attribute } = ttl.TimeToLiveDescription ?? {}
    const recovery = backups.ContinuousBackupsDescription?.PointInTimeRecoveryDescription
    return {
      exists: true,
      key: (Table?.KeySchema ?? []).map(({ AttributeName: name }) => `${name} (${types.get(name)})`).join(', '),
      timeToLive: status === 'ENABLED' || status === 'ENABLING' ? attribute : undefined,
      hasBackups: recovery?.PointInTimeRecoveryStatus === 'ENABLED',
      replicas: (Table?.Replicas ?? []).flatMap(({ RegionName: name }) => (name === undefined ? [] : [name])),
    }
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error
    return { exists: false, key: '', timeToLive: undefined, hasBackups: false, replicas: [] }
  } finally {
    client.destroy()
  }
}

/** Writes twice under the same condition: the second write must conflict. It touches no record of a token. */
async function probe({ store }: Place, { signal }: Context): Promise<Probe> {
  let operation: 'read' | 'write' = 'read'
  let clockOff: number | undefined
  try {
    const sentAt = Date.now()
    const { image, time } = await readSeen(store, PROBE_KEY, { signal })
    const now = Date.now()
    // The server answered between the two.
    if (time !== undefined) clockOff = Math.max(0, time.at - now, sentAt - time.at - time.precision)
    operation = 'write'
    const write = (expected: Image | undefined): Promise<Swapped> => {
      const keepUntil = (time?.at ?? now) + PROBE_KEPT
      const body = printRecord({ ...emptyRecord(PROBE_KEY), keepUntil })
      const swap = { expected, body, tag: systemRuntime.unique(), keepUntil }
      return store.swap(PROBE_KEY, swap, { signal: AbortSignal.timeout(TIMEOUT) })
    }
    await write(image)
    const second = await write(image)
    operation = 'read'
    await store.readMany?.([PROBE_KEY], { signal: AbortSignal.timeout(TIMEOUT), consistent: false })
    return { ignoresConditions: second.outcome === 'swapped', clockOff, lacks: store.lacks?.() }
  } catch (error) {
    if (!isStoreFault(error)) throw error
    const { code, message } = error
    return { refused: { operation, code, message }, ignoresConditions: false, clockOff, lacks: undefined }
  }
}

async function takeSample(place: Place, context: Context): Promise<Sample> {
  const sample = { size: 0, plain: 0, exclusive: 0 }
  for await (const { keys } of walkKeys(place.inventory, context)) {
    for (const key of keys) {
      if (sample.size >= SAMPLE) return sample
      const { image } = await readSeen(place.store, key, context)
      const parsed = parseValueRecord(image?.body ?? '', key)
      if (parsed.outcome !== 'record' || parsed.record.value === undefined) continue
      sample.size += 1
      if (sealingOf(parsed.record.value.sealed) === 'plain text') sample.plain += 1
      if (isExclusive(parsed.record)) sample.exclusive += 1
    }
  }
  return sample
}
