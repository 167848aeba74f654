import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { show } from './numbers.ts'
import { draw, type Picture } from './picture.ts'

/** One line of the table of goals. Numbers are ratios to the limit unless `unit` says otherwise. */
export interface Goal {
  readonly what: string
  /** What is 1. */
  readonly limit: string
  readonly ours: number
  readonly unit?: string
  /** The nearest other way to the limit. */
  readonly peer?: { readonly name: string; readonly ratio: number } | undefined
  /** The most that ours may be. Left out: told, but no goal. */
  readonly goal?: number
}

/** A table of details. */
export interface Details {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** What a command has found out. */
export interface Page {
  /** The name of its files in docs/performance. */
  readonly name: string
  readonly title: string
  /** What is measured and how, in Markdown. */
  readonly about: string
  readonly goals: readonly Goal[]
  readonly details: readonly Details[]
  readonly picture: Picture
  readonly rounds: number
}

const FOLDER = new URL('../../docs/performance/', import.meta.url)

function verdict({ ours, goal }: Goal): string {
  if (goal === undefined) return ''
  return ours <= goal ? 'yes' : '**no**'
}

function goalRow(one: Goal): readonly string[] {
  return [
    one.what,
    one.limit,
    `${show(one.ours)}${one.unit ?? ''}`,
    one.peer === undefined ? '' : `${one.peer.name} ${show(one.peer.ratio)}${one.unit ?? ''}`,
    one.goal === undefined ? '' : `≤ ${one.goal}${one.unit ?? ''}`,
    verdict(one),
  ]
}

const GOAL_HEAD = ['what', 'limit = 1', 'ours', 'best peer', 'goal', 'met'] as const

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')).join('\n')
}

function machine(rounds: number): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown'
  const [load = 0] = loadavg()
  return `Node ${process.version.slice(1)}, ${availableParallelism()} × ${model}, load ${load.toFixed(1)}, ${rounds} rounds.`
}

/** Prints the tables and writes them, with their picture, to docs/performance. */
export async function publish(page: Page): Promise<void> {
  const { name, title, about, goals, details, rounds } = page
  const tables = details.map((table) => `## ${table.title}\n\n${markdown(table.head, table.rows)}`)
  const text = [
    `# ${title}`,
    about,
    `![${title}](${name}.svg)`,
    markdown(GOAL_HEAD, goals.map(goalRow)),
    ...tables,
    `${machine(rounds)} Made by \`pnpm bench ${name}\`; [how to read it](../../bench/README.md).`,
  ]
  await mkdir(FOLDER, { recursive: true })
  await writeFile(new URL(`${name}.md`, FOLDER), `${text.join('\n\n')}\n`)
  await writeFile(new URL(`${name}.svg`, FOLDER), draw(page.picture))
  console.log(`\n${title}\n\n${aligned([GOAL_HEAD, ...goals.map(goalRow)])}`)
  for (const table of details) console.log(`\n${table.title}\n\n${aligned([table.head, ...table.rows])}`)
  console.log(`\n${machine(rounds)}\nwritten: docs/performance/${name}.md and .svg`)
}
