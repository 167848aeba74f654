import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalServer } from '../http/listen.ts'
import { claimPort, startChildServer } from '../process/child-server.ts'
import { askDynamoDB, createTables } from './ask-dynamodb.ts'
import type { DynamoDBOptions } from './start-dynamodb.ts'

/** Options of {@link startDynamoDBLocal}. */
export interface DynamoDBLocalOptions extends DynamoDBOptions {
  /** The folder that holds `DynamoDBLocal.jar` and `DynamoDBLocal_lib`. */
  readonly folder: string
  /** The program that runs it. Default `java`; 17 or newer. */
  readonly java?: string
}

/**
 * Starts Amazon's DynamoDB Local, in memory, as a child process. It is not part of this package: its license requires the
 * consent of its user, see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html.
 *
 * @throws Error when Java is missing, or it does not answer within 10 seconds.
 */
export async function startDynamoDBLocal(options: DynamoDBLocalOptions): Promise<LocalServer> {
  const { folder, java = 'java' } = options
  const port = await claimPort(options.port)
  const url = `http://127.0.0.1:${port}`
  // It leaves a file where it runs.
  const cwd = await mkdtemp(join(tmpdir(), 'warmtoken-dynamodb-local-'))
  const child = await startChildServer({
    cwd,
    binary: java,
    args: [
      `-Djava.library.path=${join(folder, 'DynamoDBLocal_lib')}`,
      '-jar',
      join(folder, 'DynamoDBLocal.jar'),
      '-inMemory',
      '-sharedDb',
      '-disableTelemetry',
      '-port',
      String(port),
    ],
    whenMissing: `DynamoDB Local needs Java 17: "${java}" could not be run`,
    answers: async () => (await askDynamoDB(url, 'ListTables', {})).status === 200,
  })
  const close = async (): Promise<void> => {
    await child.stop()
    await rm(cwd, { recursive: true, force: true })
  }
  try {
    await createTables(url, options.tables ?? [])
  } catch (error) {
    await close()
    throw error
  }
  return { url, port, close }
}
