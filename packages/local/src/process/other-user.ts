import { readFileSync } from 'node:fs'
import { chown, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The user without rights that every Unix has, by its name, and the number that it has nearly everywhere. */
const NAME = 'nobody'
const NUMBER = 65_534

/** A user and a group, as `spawn` takes them. */
export interface User {
  readonly uid: number
  readonly gid: number
}

/** The user that a server runs as which refuses root: `nobody` when this process is root, else undefined. */
export function otherUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${NAME}:`))
  const [, , uid = NUMBER, gid = NUMBER] = line?.split(':') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

/** A new folder for the data of a server, below the system's folder for temporary files. */
export interface ServerFolder {
  readonly path: string
  /** Removes it with all in it. */
  remove(): Promise<void>
}

/** Makes a folder; with `neverAsRoot` it belongs to the user that such a server runs as. */
export async function makeServerFolder(
  name: string,
  { neverAsRoot = false }: { readonly neverAsRoot?: boolean } = {},
): Promise<ServerFolder> {
  const user = neverAsRoot ? otherUser() : undefined
  // The folder that TMPDIR names may be closed to others.
  const base = user === undefined ? tmpdir() : '/tmp'
  const path = await realpath(await mkdtemp(join(base, `warmtoken-${name}-`)))
  if (user !== undefined) await chown(path, user.uid, user.gid)
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
