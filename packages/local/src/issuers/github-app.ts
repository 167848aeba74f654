import { randomBytes } from 'node:crypto'

/** What an installation has. */
export interface GitHubInstallationGrant {
  /** The repositories it is installed on: their names by id. */
  readonly repositories: { readonly [id: string]: string }
  /** What the App may do there. */
  readonly permissions: { readonly [name: string]: 'read' | 'write' | 'admin' }
}

/** A repository as the API reports it. */
interface Repository {
  readonly id: number
  readonly name: string
}

/** A token as the API answers it, or why not. */
type Issued =
  | { readonly token: string; readonly expires_at: string; readonly permissions: { readonly [name: string]: unknown } }
  | { readonly status: number; readonly problem: string }

/** The installations of one App, and the tokens that are out. */
export interface AppBook {
  issue(id: string, wanted: { readonly [name: string]: unknown }, now: number): Issued
  /** What the token may see, `undefined` when it is refused. */
  repositoriesOf(token: string, now: number): readonly Repository[] | undefined
  issued(): number
  revokeAll(): void
  suspend(id: string, suspended: boolean): void
}

const LEVELS = ['read', 'write', 'admin']

/** Keeps the installations of one App. */
export function createAppBook(
  installations: { readonly [id: string]: GitHubInstallationGrant },
  { settleTime, tokenLifetime }: { readonly settleTime: number; readonly tokenLifetime: number },
): AppBook {
  const tokens = new Map<
    string,
    { readonly from: number; readonly until: number; readonly repositories: Repository[] }
  >()
  const suspended = new Set<string>()
  let count = 0
  return {
    issue(id, wanted, now) {
      const grant = Object.hasOwn(installations, id) ? installations[id] : undefined
      if (grant === undefined) return { status: 404, problem: 'Not Found' }
      if (suspended.has(id)) return { status: 403, problem: 'This installation has been suspended' }
      const repositories = repositoriesIn(grant, wanted)
      const permissions = permissionsIn(grant, wanted['permissions'])
      if (repositories === undefined)
        return { status: 422, problem: 'There is at least one repository that does not exist or is not accessible' }
      if (permissions === undefined)
        return { status: 422, problem: 'The permissions requested are not granted to this installation.' }
      const token = `ghs_${randomBytes(27).toString('base64url')}`
      // The instant is told in whole seconds.
      const until = Math.floor((now + tokenLifetime) / 1_000) * 1_000
      tokens.set(token, { from: now + settleTime, until, repositories })
      count += 1
      return { token, expires_at: new Date(until).toISOString().replace('.000Z', 'Z'), permissions }
    },
    repositoriesOf(token, now) {
      const known = tokens.get(token)
      return known !== undefined && known.from <= now && now < known.until ? known.repositories : undefined
    },
    issued: () => count,
    revokeAll: () => tokens.clear(),
    suspend: (id, isSuspended) => {
      if (isSuspended) suspended.add(id)
      else suspended.delete(id)
    },
  }
}

function isEmpty(list: unknown): boolean {
  return !Array.isArray(list) || list.length === 0
}

/** Those that are asked for; all without a choice, and an empty list is none. */
function repositoriesIn(
  grant: GitHubInstallationGrant,
  wanted: { readonly [name: string]: unknown },
): Repository[] | undefined {
  const all = Object.entries(grant.repositories).map(([id, name]) => ({ id: Number(id), name }))
  const { repositories: names, repository_ids: ids } = wanted
  if (isEmpty(names) && isEmpty(ids)) return all
  const asked: unknown[] = [...(Array.isArray(names) ? names : []), ...(Array.isArray(ids) ? ids : [])]
  const found = all.filter(({ id, name }) => asked.includes(name) || asked.includes(id))
  return asked.every((one) => found.some(({ id, name }) => one === id || one === name)) ? found : undefined
}

/** Those that are asked for, if each is granted at that level at least; all without a choice. */
function permissionsIn(
  grant: GitHubInstallationGrant,
  wanted: unknown,
): { readonly [name: string]: unknown } | undefined {
  if (typeof wanted !== 'object' || wanted === null || Object.keys(wanted).length === 0) return grant.permissions
  const isGranted = ([name, level]: [string, unknown]): boolean =>
    LEVELS.includes(String(level)) && LEVELS.indexOf(String(level)) <= LEVELS.indexOf(grant.permissions[name] ?? '')
  return Object.entries(wanted).every(isGranted) ? { ...wanted } : undefined
}
