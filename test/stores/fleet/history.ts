import type { Report } from './message.ts'

/** What is wrong with the swaps of a fleet, as one line each; nothing when they form one chain. */
export function flaws(reports: readonly Report[]): readonly string[] {
  const lines = reports.flatMap(({ swaps }) => swaps)
  const applied = new Map(lines.filter(({ outcome }) => outcome === 'swapped').map((line) => [line.tag, line]))
  const made = new Set(lines.map(({ tag }) => tag))
  const found: string[] = []
  const followers = new Map<string, string>()
  for (const { tag, expected = 'nothing' } of applied.values()) {
    const other = followers.get(expected)
    if (other !== undefined) found.push(`${other} and ${tag} both followed ${expected}`)
    followers.set(expected, tag)
    if (expected !== 'nothing' && !made.has(expected)) found.push(`${tag} followed ${expected}, which nobody wrote`)
  }
  return found
}

/** How often an event came in all environments. */
export function count(reports: readonly Report[], event: string): number {
  return reports.reduce((sum, { events }) => sum + (events[event] ?? 0), 0)
}
