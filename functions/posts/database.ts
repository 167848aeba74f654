import { randomUUID } from 'node:crypto'
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'

/** The posts that a list shows. */
const MAX_LISTED = 50
/** How many posts one author may write. */
const MAX_POSTS = 1_000
/** Digits of the time in an id: enough until the year 5188, and ids sort by time. */
const TIME_DIGITS = 9

/** What an author writes. */
export interface Draft {
  readonly by: string
  readonly text: string
}

/** A post as it is stored. */
export interface Post extends Draft {
  readonly id: string
  /** When it was written, in ms since 1970. */
  readonly at: number
  readonly views: number
}

/** What became of a post: `too-many` when its author has written as many as one may. */
export type Created = { readonly outcome: 'created'; readonly post: Post } | { readonly outcome: 'too-many' }

/** Where the truth of posts is. */
export interface Database {
  create(id: string, draft: Draft, signal: AbortSignal): Promise<Created>
  read(id: string, signal: AbortSignal): Promise<Post | undefined>
  /**
   * Adds to the views of a post, unless a number as high was taken before: a repeat, or a writer that was frozen. A post that is
   * not there takes none.
   */
  addViews(id: string, by: number, write: { readonly n: number; readonly signal: AbortSignal }): Promise<void>
  /** The newest posts. */
  list(signal: AbortSignal): Promise<readonly Post[]>
}

/** A new id. Ids sort by the time at which they were made. */
export function newId(now: number): string {
  return `${now.toString(36).padStart(TIME_DIGITS, '0')}-${randomUUID().slice(0, 8)}`
}

/** Whether a text is an id. */
export function isId(text: string): boolean {
  return /^[0-9a-z]{9}-[0-9a-f]{8}$/.test(text)
}

/**
 * Posts in a table with the keys `pk` and `sk`. `hasTransactions: false` is for a local server that has none (dynalite): a post
 * is then one conditional put, and nobody counts the posts of its author.
 */
export function createDatabase({
  table,
  hasTransactions = true,
}: {
  readonly table: string
  readonly hasTransactions?: boolean
}): Database {
  const client = new DynamoDBClient({})

  return {
    async create(id, draft, signal) {
      const post: Post = { ...draft, id, at: timeOf(id), views: 0 }
      // A repeat of the same write, whose answer was lost, must not put it twice.
      const put = { TableName: table, Item: itemOf(post), ConditionExpression: 'attribute_not_exists(pk)' }
      const options = { abortSignal: signal }
      try {
        if (!hasTransactions) await client.send(new PutItemCommand(put), options)
        else {
          const count = countOf(table, draft.by)
          const items = { TransactItems: [{ Put: put }, { Update: count }], ClientRequestToken: id }
          await client.send(new TransactWriteItemsCommand(items), options)
        }
        return { outcome: 'created', post }
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return { outcome: 'created', post }
        const [first, second] = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : []
        if (first?.Code === 'ConditionalCheckFailed') return { outcome: 'created', post }
        if (second?.Code === 'ConditionalCheckFailed') return { outcome: 'too-many' }
        throw error
      }
    },
    async read(id, signal) {
      const command = new GetItemCommand({ TableName: table, Key: keyOf(id), ConsistentRead: true })
      const { Item } = await client.send(command, { abortSignal: signal })
      return Item && postOf(Item)
    },
    async addViews(id, by, { n, signal }) {
      const command = new UpdateItemCommand({
        TableName: table,
        Key: keyOf(id),
        UpdateExpression: 'ADD #views :by SET lastWrite = :n',
        ConditionExpression: 'attribute_exists(pk) AND (attribute_not_exists(lastWrite) OR lastWrite < :n)',
        ExpressionAttributeNames: { '#views': 'views' },
        ExpressionAttributeValues: { ':by': { N: `${by}` }, ':n': { N: `${n}` } },
      })
      await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
        if (!(error instanceof ConditionalCheckFailedException)) throw error
      })
    },
    async list(signal) {
      const command = new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :post',
        ExpressionAttributeValues: { ':post': { S: 'post' } },
        ScanIndexForward: false,
        Limit: MAX_LISTED,
        // What is cached must not be older than the invalidation that the load follows.
        ConsistentRead: true,
      })
      const { Items = [] } = await client.send(command, { abortSignal: signal })
      return Items.map(postOf)
    },
  }
}

function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, TIME_DIGITS), 36)
}

function keyOf(id: string): Record<'pk' | 'sk', AttributeValue> {
  return { pk: { S: 'post' }, sk: { S: id } }
}

function itemOf({ id, by, text, views }: Post): Record<string, AttributeValue> {
  return { ...keyOf(id), by: { S: by }, text: { S: text }, views: { N: `${views}` } }
}

function postOf(item: Record<string, AttributeValue>): Post {
  const id = item['sk']?.S ?? ''
  return {
    id,
    at: timeOf(id),
    by: item['by']?.S ?? '',
    text: item['text']?.S ?? '',
    views: Number(item['views']?.N ?? 0),
  }
}

/** One post more of an author, as long as there are not too many. */
function countOf(table: string, by: string) {
  return {
    TableName: table,
    Key: { pk: { S: 'author' }, sk: { S: by } },
    UpdateExpression: 'ADD posts :one',
    ConditionExpression: 'attribute_not_exists(posts) OR posts < :most',
    ExpressionAttributeValues: { ':one': { N: '1' }, ':most': { N: `${MAX_POSTS}` } },
  }
}
