import type { ServerTime } from '@warmtoken/core/adapter'

/** An attribute on the wire: the texts and numbers that are used here. */
export interface Attribute {
  readonly S?: string | undefined
  readonly N?: string | undefined
}

/** An item on the wire. */
export type Item = { readonly [name: string]: Attribute } | undefined

/** The inputs of the three operations, as the DynamoDB API reference has them. */
export interface Inputs {
  readonly GetItem: {
    readonly TableName: string
    readonly Key: { [name: string]: { S: string } }
    readonly ConsistentRead: boolean
  }
  readonly UpdateItem: {
    readonly TableName: string
    readonly Key: { [name: string]: { S: string } }
    readonly UpdateExpression: string
    readonly ConditionExpression: string
    readonly ExpressionAttributeNames: { [name: string]: string }
    readonly ExpressionAttributeValues: { [name: string]: { S: string } | { N: string } }
    readonly ReturnValuesOnConditionCheckFailure: 'ALL_OLD'
  }
  readonly BatchGetItem: {
    readonly RequestItems: { [table: string]: { Keys: { [name: string]: { S: string } }[]; ConsistentRead: boolean } }
  }
}

/** What is read of an output. */
export interface Output {
  readonly Item?: Item
  readonly Responses?: { readonly [table: string]: readonly NonNullable<Item>[] } | undefined
  readonly UnprocessedKeys?:
    | { readonly [table: string]: { readonly Keys?: readonly NonNullable<Item>[] | undefined } }
    | undefined
}

/**
 * What DynamoDB replies: `done`, or `unmet` when a condition did not hold. Losing a race is no error. `item` is the one in the
 * way, `undefined` where the server leaves it out; `time` is the server's, if it told. `isOpen`: an earlier attempt of the same
 * request may have been applied, and others may have written since.
 */
export type Reply =
  | { readonly outcome: 'done'; readonly output: Output; readonly time: ServerTime | undefined }
  | { readonly outcome: 'unmet'; readonly item: Item; readonly time: ServerTime | undefined; readonly isOpen?: boolean }

/**
 * Sends one operation. Rejects with an error that has the service's `name` for it and `$metadata.httpStatusCode`, at the
 * latest when the signal aborts. It is marked as ambiguous when any attempt may have been applied.
 */
export type Send = <Operation extends keyof Inputs>(
  operation: Operation,
  input: Inputs[Operation],
  signal: AbortSignal,
) => Promise<Reply>
