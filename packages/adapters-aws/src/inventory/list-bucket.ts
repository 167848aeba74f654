import { ListObjectsV2Command, type ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3'
import { abortable, type Inventory, type InventoryPage } from '@warmtoken/core/adapter'
import { remedyOf } from '../s3/store.ts'
import { clientSettings } from '../shared/clients.ts'
import { awsFault } from '../shared/faults.ts'
import type { S3InventoryOptions } from './options.ts'

type How = Parameters<Inventory['pages']>[0]

/** The pages of a bucket, in the order of the names. */
export async function* listBucket(options: S3InventoryOptions, { signal, after }: How): AsyncIterable<InventoryPage> {
  const { bucket, prefix = 'warmtoken/', client: given, endpoint } = options
  const client =
    typeof given === 'function'
      ? await given()
      : (given ?? new S3Client({ ...clientSettings(options), ...(endpoint !== undefined && { forcePathStyle: true }) }))
  let cursor = after
  do {
    const output = await list(client, { bucket, prefix, cursor, signal })
    const names = (output.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]))
    cursor = output.IsTruncated === true ? names.at(-1) : undefined
    yield { keys: names.map((name) => keyOf(name, prefix)), cursor }
  } while (cursor !== undefined)
  if (given === undefined) client.destroy()
}

interface Part {
  readonly bucket: string
  readonly prefix: string
  /** The last name of the page before. Unlike a continuation token it never expires. */
  readonly cursor: string | undefined
  readonly signal: AbortSignal
}

async function list(client: S3Client, { bucket, prefix, cursor, signal }: Part): Promise<ListObjectsV2CommandOutput> {
  try {
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      ...(cursor !== undefined && { StartAfter: cursor }),
    })
    return await abortable(client.send(command, { abortSignal: signal }), signal)
  } catch (error) {
    throw awsFault(`S3 bucket ${bucket}`, error, (one) => remedyOf(one, bucket, 's3:ListBucket'))
  }
}

/** The key that an object is named after. A name that no store has made is returned as it is. */
function keyOf(name: string, prefix: string): string {
  const encoded = name.slice(prefix.length)
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}
