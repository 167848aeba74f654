import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { globSync } from 'node:fs'
import { chown, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ListenOptions, LocalServer } from '../http/listen.ts'
import { claimPort, startChildServer } from './child-server.ts'
import { makeServerFolder, otherUser } from './other-user.ts'

const run = promisify(execFile)
const USER = 'warmtoken'
/** Where Debian and Ubuntu keep the programs of each version, which they do not put on the path. */
const DEBIAN = '/usr/lib/postgresql/*/bin'
/** The line of `postmaster.pid` that says whether the server takes connections. */
const STATUS_LINE = 7

/** Options of {@link startPostgresServer}. */
export interface PostgresServerOptions extends ListenOptions {
  /** The folder of `postgres` and `initdb`. Default: the path, then where Debian keeps the newest version. */
  readonly binaries?: string
}

/** A running PostgreSQL server. */
export interface PostgresServer extends LocalServer {
  /** The password of its only user; `url` holds it too. */
  readonly password: string
}

/**
 * Starts a real PostgreSQL server with an empty database of its own, behind a password. Its data is removed by close(). As
 * PostgreSQL refuses to run as root, it runs as `nobody` when this process is root.
 *
 * @throws Error when the programs are missing, or the server does not answer within 10 seconds.
 *
 * @example
 * const postgres = await startPostgresServer()
 * const pool = new pg.Pool({ connectionString: postgres.url })
 */
export async function startPostgresServer(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const binaries = await findBinaries(options.binaries)
  const port = await claimPort(options.port)
  const { path: folder, remove } = await makeServerFolder('postgres', { neverAsRoot: true })
  const password = randomBytes(12).toString('hex')
  const data = join(folder, 'data')
  try {
    await makeDatabase({ binaries, folder, data, password })
    const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' }
    const child = await startChildServer({
      binary: join(binaries, 'postgres'),
      args: [
        ...['-D', data, '-p', String(port)],
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      cwd: folder,
      neverAsRoot: true,
      // Anything softer waits until every client has gone.
      stopSignal: 'SIGINT',
      whenMissing: MISSING,
      answers: async () =>
        (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[STATUS_LINE]?.trim() === 'ready',
    })
    return {
      url: `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`,
      port,
      password,
      close: async () => {
        await child.stop()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

const MISSING =
  'PostgreSQL could not be run. On Debian: apt-get install postgresql, or sh scripts/servers.sh; or give "binaries".'

/** The first folder whose programs run; '' is the path. */
async function findBinaries(given: string | undefined): Promise<string> {
  const versions = globSync(DEBIAN).sort((one, other) => other.localeCompare(one, 'en', { numeric: true }))
  for (const folder of given === undefined ? ['', ...versions] : [given]) {
    const versionsOf = ['initdb', 'postgres'].map((name) => run(join(folder, name), ['--version']))
    if ((await Promise.allSettled(versionsOf)).every(({ status }) => status === 'fulfilled')) return folder
  }
  throw new Error(MISSING)
}

interface Database {
  readonly binaries: string
  readonly folder: string
  readonly data: string
  readonly password: string
}

async function makeDatabase({ binaries, folder, data, password }: Database): Promise<void> {
  const user = otherUser()
  const file = join(folder, 'password')
  await writeFile(file, password, { mode: 0o600 })
  if (user !== undefined) await chown(file, user.uid, user.gid)
  const how = ['--auth=scram-sha-256', `--pwfile=${file}`, '--encoding=UTF8', '--no-locale', '--no-sync']
  await run(join(binaries, 'initdb'), ['-D', data, '-U', USER, ...how], { cwd: folder, ...user })
  await rm(file)
}
