import type { IncomingMessage } from 'node:http'
import dynalite from 'dynalite'
import type { ListenOptions, LocalServer } from '../http/listen.ts'
import { listen } from '../http/listen.ts'
import { refuseMalformed } from '../http/refuse-malformed.ts'
import { createTables } from './ask-dynamodb.ts'

/** Options of {@link startDynamoDB}. */
export interface DynamoDBOptions extends ListenOptions {
  /** Names of tables to create, each with the string hash key `pk`; default none. Starting throws for a bad name. */
  readonly tables?: readonly string[]
}

/**
 * Starts an in-memory DynamoDB (dynalite) in this process; resolves once every table is ACTIVE.
 * It takes any credentials. A failed condition brings no item image (`ALL_OLD`), and there are no transactions.
 *
 * @example
 * const dynamodb = await startDynamoDB({ tables: ['tokens'] })
 * const client = new DynamoDBClient({ endpoint: dynamodb.url, region: 'us-east-1', credentials: LOCAL_CREDENTIALS })
 */
export async function startDynamoDB(options: DynamoDBOptions = {}): Promise<LocalServer> {
  const server = dynalite({ createTableMs: 0 })
  server.on('request', (request: IncomingMessage) => {
    // dynalite throws what a request emits, so a client that hangs up halfway would end the whole process.
    request.removeAllListeners('error')
    request.on('error', () => undefined)
  })
  refuseMalformed(server)
  const listening = await listen(server, options)
  try {
    await createTables(listening.url, options.tables ?? [])
  } catch (error) {
    await listening.close()
    throw error
  }
  return listening
}
