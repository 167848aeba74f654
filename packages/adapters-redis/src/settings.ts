import { withDeadline } from '@warmtoken/core/adapter'
import type { Link } from './link.ts'

/** What the INFO of a server says about its settings. */
export interface RedisSettings {
  /** Whether it is a node of a cluster. */
  readonly isClusterNode: boolean
  /** The `maxmemory-policy` by which it deletes records when its memory is full. `undefined`: it deletes none. */
  readonly evictionPolicy: string | undefined
  /** Whether it writes an append-only file. */
  readonly hasLog: boolean
}

/** Asks for INFO, for at most `limit` ms. `undefined` when it is not answered: a user may lack the right to ask. */
export async function readSettings({ info }: Pick<Link, 'info'>, limit: number): Promise<RedisSettings | undefined> {
  const text = await withDeadline(limit, undefined, info).catch(() => undefined)
  if (text === undefined) return undefined
  const setting = (name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, 'm').exec(String(text))?.[1]
  const policy = setting('maxmemory_policy')
  const isBounded = (setting('maxmemory') ?? '0') !== '0'
  return {
    isClusterNode: setting('cluster_enabled') === '1',
    evictionPolicy: isBounded && policy !== 'noeviction' ? policy : undefined,
    hasLog: setting('aof_enabled') === '1',
  }
}
