import { startDynamoDB, startDynoxide } from '@warmtoken/local'
import { createTable } from './live-tables.ts'

const TABLE = 'warmtoken-posts-cache'
const POSTS = 'warmtoken-posts'

/** What the posts need on this machine. */
export interface PostsStack {
  readonly environment: Readonly<Record<string, string>>
  /** The database, in a few words. */
  readonly place: string
  /** Commands to try, for functions at that address. */
  commands(http: string): readonly string[]
  close(): Promise<void>
}

/** Starts a database with transactions where the program for it exists, else one without. */
export async function startPostsStack(): Promise<PostsStack> {
  const real = await startDynoxide({ tables: [TABLE] }).catch(() => undefined)
  const { url, close } = real ?? (await startDynamoDB({ tables: [TABLE] }))
  await createTable(url, POSTS, [
    ['pk', 'HASH'],
    ['sk', 'RANGE'],
  ])
  const kind =
    real === undefined
      ? 'dynalite: it has no transactions, so a post is one conditional put'
      : 'dynoxide: a post is a transaction'
  return {
    environment: {
      TOKEN_TABLE: TABLE,
      POST_TABLE: POSTS,
      POST_TRANSACTIONS: String(real !== undefined),
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_DYNAMODB: url,
    },
    place: `${url}   (${kind})`,
    commands: (http) => [
      `JSON='content-type: application/json' USER='{"name":"ada","password":"correct horse"}'`,
      `curl -X POST ${http}/sign-up -H "$JSON" -d "$USER"`,
      `COOKIE=$(curl -si -X POST ${http}/sign-in -H "$JSON" -d "$USER" | sed -n 's/^set-cookie: \\([^;]*\\).*/\\1/Ip')`,
      `curl -X POST ${http}/posts -H "cookie: $COOKIE" -d 'Hello'`,
      `curl ${http}/posts`,
    ],
    close,
  }
}
