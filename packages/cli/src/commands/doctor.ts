import { resolve } from 'node:path'
import type { Context } from '../context.ts'
import { readDeployed } from '../deployed.ts'
import { gatherFacts } from '../doctor/facts.ts'
import { RULES, type Rule, UNCHECKED } from '../doctor/rules.ts'
import { EXIT, OperatorError } from '../exit.ts'
import { checkPlace, namesPlace, openPlace, type PlaceOptions, withStoreOf } from '../place.ts'
import { readService } from '../service.ts'

/** Options of `doctor`. */
export interface DoctorOptions extends PlaceOptions {
  readonly service: string
}

interface Result {
  readonly id: string
  readonly title: string
  readonly outcome: 'good' | 'found' | 'unchecked'
  /** What is wrong, what could be faster, or why it could not be checked. */
  readonly detail?: string
  readonly fix?: string
}

/** Looks for what is known to go wrong, and prints the fix. Throws with exit code 3 when it found something. */
export async function doctor(context: Context, { service: file, ...given }: DoctorOptions): Promise<void> {
  const { terminal, cwd } = context
  const service = await readService(resolve(cwd, file))
  const hasPlace = namesPlace(given)
  if (!hasPlace && service === undefined)
    throw new OperatorError(
      `nothing to check: name a store (--table <name>), or run it in the folder of ${file}`,
      EXIT.usage,
    )
  if (hasPlace) checkPlace(given)
  const deployed = given.function === undefined ? undefined : await readDeployed(given, context)
  const options = deployed === undefined ? given : withStoreOf(deployed, given)
  const place = hasPlace ? await openPlace(options, context) : undefined
  const facts = gatherFacts(context, { options, place, service, deployed })
  const { refused } = (await facts.probe()) ?? {}
  // Nothing about the store can be checked, and what is wrong is not the set-up.
  if (refused?.code === 'STORE_DENIED' && /\bcredentials\b/.test(refused.message))
    throw new OperatorError(`${refused.message}; a clock that is off by five minutes looks the same`, EXIT.denied)
  const results: Result[] = []
  for (const rule of RULES) {
    terminal.progress(rule.title)
    results.push(await resultOf(rule, facts))
  }
  const found = results.filter(({ outcome }) => outcome === 'found')
  terminal.result({ healthy: found.length === 0, findings: found, results }, () => results.flatMap(linesOf(terminal)))
  if (found.length > 0)
    throw new OperatorError(`doctor found ${found.length} ${found.length === 1 ? 'problem' : 'problems'}`, EXIT.found)
}

async function resultOf({ id, title, check, fix }: Rule, facts: Parameters<Rule['check']>[0]): Promise<Result> {
  try {
    const finding = await check(facts)
    if (finding === UNCHECKED) return { id, title, outcome: 'unchecked' }
    if (typeof finding === 'object') return { id, title, outcome: 'good', detail: finding.advice }
    return finding === undefined
      ? { id, title, outcome: 'good' }
      : { id, title, outcome: 'found', detail: finding, fix }
  } catch (error) {
    // A right to describe or to list that this user lacks; the functions do not need it.
    const detail = error instanceof Error ? error.name : 'error'
    return { id, title, outcome: 'unchecked', detail: `could not be checked (${detail})` }
  }
}

function linesOf({ style }: Context['terminal']): (result: Result) => readonly string[] {
  return ({ title, outcome, detail, fix }) => {
    const line = detail === undefined ? title : `${title}: ${detail}`
    if (outcome === 'good') return [`${style('green', 'ok')}        ${line}`]
    if (outcome === 'unchecked') return [`${style('dim', 'unchecked')} ${line}`]
    return [`${style('red', 'found')}     ${line}`, `          Fix: ${fix}`]
  }
}
