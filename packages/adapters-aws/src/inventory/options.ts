import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import type { Place } from '../shared/options.ts'

/** How `dynamoDBInventory` is set up. */
export interface DynamoDBInventoryOptions extends Place {
  /** The table. */
  readonly table: string
  /** Your own client, or a function that returns it. Default: one with timeouts of some hundred ms. */
  readonly client?: DynamoDBClient | (() => DynamoDBClient | Promise<DynamoDBClient>)
}

/** How `s3Inventory` is set up. */
export interface S3InventoryOptions extends Place {
  /** The bucket. */
  readonly bucket: string
  /** What the names of its objects begin with. Default `warmtoken/`. */
  readonly prefix?: string
  /** Your own client, or a function that returns it. Default: one with timeouts of some hundred ms. */
  readonly client?: S3Client | (() => S3Client | Promise<S3Client>)
}
