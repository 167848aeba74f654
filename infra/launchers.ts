import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const LAUNCHER = /^(pnpm|npm|npx|yarn|bun)\b/
const MAX_DEPTH = 12

/**
 * The processes that started this one, from its parent to the outermost package manager: `sh`, `pnpm`, `sh`, `npx`.
 * Only the parent where no package manager is among them.
 */
export function launchers(): readonly number[] {
  const chain: number[] = [process.ppid]
  let length = 1
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const pid = chain.at(-1)
    const found = pid !== undefined && pid > 1 ? look(pid) : undefined
    if (found === undefined) break
    if (LAUNCHER.test(found.name)) length = chain.length
    chain.push(found.parent)
  }
  return chain.slice(0, length)
}

/** Whether a process is there and has not ended: one that nobody has reaped yet still has an id, and state Z. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives and is another user's.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  return !/\) Z /.test(procStat(pid))
}

function look(pid: number): { readonly parent: number; readonly name: string } | undefined {
  const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat(pid)) ?? []
  return name === undefined ? undefined : { name, parent: Number(parent) }
}

/** The line of Linux's `/proc`, which needs no `ps`; elsewhere one like it. */
function stat(pid: number): string {
  return procStat(pid) || psStat(pid)
}

function procStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return ''
  }
}

function psStat(pid: number): string {
  try {
    const [parent = '', ...name] = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', `${pid}`], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
    return `${pid} (${name.join(' ').replace(/^.*\//, '')}) ? ${parent}`
  } catch {
    return ''
  }
}
