import { resolve } from 'node:path'
import { number } from '../arguments.ts'
import type { Context } from '../context.ts'
import {
  ageWarning,
  type Placement,
  type Plan,
  type Prices,
  planCost,
  planLive,
  type Question,
  readPrices,
} from '../cost/plan.ts'
import { EXIT, OperatorError } from '../exit.ts'
import { table } from '../terminal.ts'

/** The length of the longest bar, in characters. */
const BAR = 40

/** Options of `plan-cost`. */
export interface PlanOptions {
  readonly invocations?: number | undefined
  readonly environments?: number | undefined
  readonly tokenLife?: number | undefined
  readonly issuerPrice?: number | undefined
  readonly environmentLife: number
  readonly tokens: number
  readonly burst: number
  readonly prices?: string | undefined
  /** Given: plans live events in place of tokens. */
  readonly viewers?: number | undefined
  readonly viewerHours: number
  readonly events: number
}

/** The four questions: what an option means, what it may be, and what most users answer. */
const QUESTIONS = {
  invocations: { text: 'Invocations a month?', usual: 10_000_000, min: 1, max: 1e13 },
  environments: { text: 'Environments at peak (concurrency)?', usual: 100, min: 1, max: 1e6 },
  tokenLife: { text: 'Lifetime of a token in seconds?', usual: 3_600, min: 10, max: 1e8 },
  issuerPrice: { text: 'Price of 1,000 token requests in US dollars (Cognito: 2.25)?', usual: 0, min: 0, max: 1e6 },
} as const

type Name = keyof typeof QUESTIONS

/** Prints requests and dollars a month for each placement, with their formulas. Asks what no option says. */
export async function planCostCommand(context: Context, options: PlanOptions): Promise<void> {
  const { terminal, cwd } = context
  const prices = await readPrices(options.prices === undefined ? undefined : resolve(cwd, options.prices))
  const warning = ageWarning(prices, Date.now())
  if (warning !== undefined) terminal.note(warning)
  if (options.viewers !== undefined) return printLive(context, { ...options, viewers: options.viewers }, prices)
  const question: Question = {
    environmentLife: options.environmentLife,
    tokens: options.tokens,
    burst: options.burst,
    invocations: await answerOf(context, 'invocations', options),
    environments: await answerOf(context, 'environments', options),
    tokenLife: await answerOf(context, 'tokenLife', options),
    issuerPrice: await answerOf(context, 'issuerPrice', options),
  }
  const plan = planCost(question, prices)
  terminal.result({ ...question, prices, ...plan }, () => [
    ...linesOf(plan, question),
    '',
    `Prices of ${prices.region}, ${prices.day}. Functions, logs and data transfer are not included.`,
  ])
}

/** Prints what live events cost for so many viewers, and which engine that advises. */
function printLive({ terminal }: Context, options: PlanOptions & { readonly viewers: number }, prices: Prices): void {
  const audience = { viewers: options.viewers, hours: options.viewerHours, events: options.events }
  const plan = planLive(audience, prices)
  terminal.result({ ...audience, prices, ...plan }, () => [
    ...table([
      ['one event reaches all in', duration(plan.reachesAllIn), 'viewers ÷ 10,000 posts a second'],
      ['all are connected again in', duration(plan.reconnectIn), 'viewers ÷ 500 connections a second'],
    ]),
    ...table(rowsOf(plan.placements)),
    '',
    ...barsOf(plan.placements),
    '',
    ...plan.advice,
    '',
    `Prices of ${prices.region}, ${prices.day}, without discounts for volume. Functions that write and send, logs and data transfer are not included.`,
  ])
}

function duration(seconds: number): string {
  if (seconds < 1) return '< 1 s'
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`
}

async function answerOf({ terminal }: Context, name: Name, options: PlanOptions): Promise<number> {
  const given = options[name]
  if (given !== undefined) return given
  const { text, usual, min, max } = QUESTIONS[name]
  const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  if (!terminal.isInteractive) throw new OperatorError(`${option} is missing: ${text}`, EXIT.usage)
  const answer = await terminal.ask(`${text} [${usual}]`)
  if (answer === '') return usual
  try {
    return number(min, max)(answer.replaceAll(/[,_ ]/g, ''))
  } catch {
    throw new OperatorError(`${text} It must be a number from ${min} to ${max}`, EXIT.usage)
  }
}

function linesOf({ usage, placements }: Plan, { tokens, burst = 0 }: Question): readonly string[] {
  const wait = burst > 0 ? 'up to the next burst' : '+ wait for the first call'
  const facts = [
    ['a refresh every', `${Math.round(usage.cycle)} s`, `lifetime − refresh window − jitter ${wait}`],
    ['environments started', count(usage.starts), 'environments × month ÷ their lifetime, at most one an invocation'],
    ['cold reads', count(usage.coldReads), 'environments started × tokens that they ask for'],
    ['due reads', count(usage.dueReads), 'for each of them once a refresh, while it is called'],
    ['token requests', count(usage.fetches), `${tokens} × month ÷ time between refreshes`],
  ]
  // A token for each invocation would dwarf the others.
  return [...table(facts), ...table(rowsOf(placements)), '', ...barsOf(placements.slice(0, -1))]
}

function rowsOf(placements: readonly Placement[]): readonly (readonly string[])[] {
  return placements.flatMap(({ name, lines, dollars }) => [
    ['', '', '', ''],
    [name, '', money(dollars), 'a month'],
    ...lines.map((line) => [`  ${line.what}`, count(line.requests), money(line.dollars), line.formula]),
  ])
}

/** A bar for each placement, the most expensive one the longest. */
function barsOf(placements: readonly Placement[]): readonly string[] {
  const most = Math.max(...placements.map(({ dollars }) => dollars))
  if (most === 0) return []
  return table(
    placements.map(({ name, dollars }) => [
      name,
      money(dollars),
      '█'.repeat(Math.max(1, Math.round((BAR * dollars) / most))),
    ]),
  )
}

function count(requests: number): string {
  return Math.round(requests).toLocaleString('en-US')
}

function money(dollars: number): string {
  if (dollars === 0) return '$0'
  return dollars < 0.01
    ? '< $0.01'
    : `$${dollars.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`
}
