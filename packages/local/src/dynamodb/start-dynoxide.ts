import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { LocalServer } from '../http/listen.ts'
import { claimPort, startChildServer } from '../process/child-server.ts'
import { askDynamoDB, createTables } from './ask-dynamodb.ts'
import type { DynamoDBOptions } from './start-dynamodb.ts'

/** Options of {@link startDynoxide}. */
export interface DynoxideOptions extends DynamoDBOptions {
  /** Path of the program; default the one of the optional package `@dynoxide/linux-x64`. */
  readonly binary?: string
}

/**
 * Starts dynoxide, an in-memory DynamoDB that also returns the item image of a failed condition, as a child process.
 *
 * @throws Error when the program is missing (it exists for Linux on x64 only) or does not answer within 10 seconds.
 */
export async function startDynoxide(options: DynoxideOptions = {}): Promise<LocalServer> {
  const binary = options.binary ?? packagedBinary()
  const port = await claimPort(options.port)
  const url = `http://127.0.0.1:${port}`
  const child = await startChildServer({
    ...endsWithUs(binary, ['serve', '--host', '127.0.0.1', '--port', String(port)]),
    whenMissing: `dynoxide could not be run from ${binary}. ${HOW_TO_GET_IT}`,
    answers: async () => (await askDynamoDB(url, 'ListTables', {})).status === 200,
  })
  try {
    await createTables(url, options.tables ?? [])
  } catch (error) {
    await child.stop()
    throw error
  }
  return { url, port, close: child.stop }
}

/** The command by which Linux ends the program also when this process is killed, where it is there (util-linux). */
function endsWithUs(
  binary: string,
  args: readonly string[],
): { readonly binary: string; readonly args: readonly string[] } {
  const guard = ['--pdeathsig', 'KILL']
  const { status } = existsSync(binary)
    ? spawnSync('setpriv', [...guard, 'true'], { stdio: 'ignore' })
    : { status: null }
  return status === 0 ? { binary: 'setpriv', args: [...guard, binary, ...args] } : { binary, args }
}

const HOW_TO_GET_IT = 'Install the optional package @dynoxide/linux-x64 (Linux on x64), or name the program yourself.'

function packagedBinary(): string {
  const resolver = createRequire(import.meta.url)
  try {
    return join(dirname(resolver.resolve('@dynoxide/linux-x64/package.json')), 'dynoxide')
  } catch (cause) {
    throw new Error(`dynoxide is not installed. ${HOW_TO_GET_IT}`, { cause })
  }
}
