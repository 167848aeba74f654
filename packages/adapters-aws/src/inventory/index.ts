/**
 * Lists the keys of the stores on DynamoDB and S3, for operators. In a function that is bundled, import `…/inventory/dynamodb` or
 * `…/inventory/s3`, so that the client of the other is not asked for.
 *
 * @module
 */

export { type DynamoDBInventoryOptions, dynamoDBInventory } from './dynamodb.ts'
export { type S3InventoryOptions, s3Inventory } from './s3.ts'
