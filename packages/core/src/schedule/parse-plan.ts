import { misuse } from '../lib/options.ts'
import { asFields } from '../lib/parse.ts'
import { checkPlan, describePath, describeProblems, type Problem } from './plan.ts'
import type { Plan, Refreshable } from './types.ts'

/** The longest text of a plan, in characters. */
const MAX_TEXT = 262_144

/** What the names in a text stand for. */
export interface PlanNames {
  /** Token handles, token families and resources, by the names that items give as `source`. */
  readonly sources: { readonly [name: string]: Refreshable }
  /** Functions that return parameters, by the names that items give as `list`. */
  readonly lists?: { readonly [name: string]: () => readonly unknown[] | Promise<readonly unknown[]> }
  /** What the text is called in errors. Default `plan`. */
  readonly file?: string
}

/**
 * A plan from YAML or JSON. Resolves to the plan; rejects with `TypeError` that names the line of everything that is wrong.
 *
 * @example
 * ```ts
 * const refreshes = await parsePlan(readFileSync('plan.yml', 'utf8'), { sources: { board, crm }, file: 'plan.yml' })
 * ```
 */
export async function parsePlan(text: string, { sources, lists = {}, file = 'plan' }: PlanNames): Promise<Plan> {
  if (text.length > MAX_TEXT) misuse(file, `must have at most ${MAX_TEXT} characters`)
  const { LineCounter, parseDocument, isNode } = await import('yaml')
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, uniqueKeys: true })
  const lineAt = (offset: number): string => `${file}:${lineCounter.linePos(offset).line}:`
  const [broken] = document.errors
  if (broken !== undefined) misuse(lineAt(broken.pos[0]).slice(0, -1), `it is not YAML: ${broken.code}`)

  const lineOf = ({ path }: Problem): string => {
    // A field that is missing has no line: that of what it belongs to.
    for (let length = path.length; length >= 0; length -= 1) {
      const node: unknown = document.getIn(path.slice(0, length), true)
      if (isNode(node) && node.range) return `${lineAt(node.range[0])} ${describePath(path)}`
    }
    return `${file}:1: ${describePath(path)}`
  }
  const own = (names: object, name: unknown): unknown =>
    typeof name === 'string' && Object.hasOwn(names, name)
      ? (names as { readonly [name: string]: unknown })[name]
      : undefined

  const input: unknown = document.toJS({ maxAliasCount: 100 })
  const checked = checkPlan(withLists(input, lists, own), (source) => own(sources, source))
  if (checked.outcome === 'plan') return checked.plan
  throw new TypeError(describeProblems(checked.problems, lineOf))
}

/** The plan with its named lists in place. One that is not known is left, and complained about. */
function withLists(input: unknown, lists: object, own: (names: object, name: unknown) => unknown): unknown {
  const fields = asFields(input)
  const items = fields?.['items']
  if (fields === undefined || !Array.isArray(items)) return input
  const resolved = items.map((item: unknown) => {
    const list = asFields(item)?.['list']
    return typeof list === 'string' ? { ...asFields(item), list: own(lists, list) ?? list } : item
  })
  return { ...fields, items: resolved }
}
