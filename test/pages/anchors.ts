import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A link to a line of source that is named by what is declared there: [`decide`](../engine/decide.ts#L90). */
const LINK = /\[`(\w+)`\]\(([^)#\s]+\.ts)#L(\d+)\)/g

/** A link to a declaration, with the line where that really is; undefined if the file does not declare it. */
export interface Anchor {
  readonly name: string
  readonly target: string
  readonly line: number
  readonly actual: number | undefined
}

function lineOf(path: string, name: string): number | undefined {
  if (!existsSync(path)) return undefined
  const declaration = new RegExp(
    String.raw`^(?:export )?(?:async )?(?:function\*?|const|class|interface|type) ${name}\b`,
  )
  const index = readFileSync(path, 'utf8')
    .split('\n')
    .findIndex((line) => declaration.test(line))
  return index === -1 ? undefined : index + 1
}

/** The links of a page to declarations. `folder` is where the page is. */
export function anchorsOf(text: string, folder: string): readonly Anchor[] {
  return [...text.matchAll(LINK)].map(([, name = '', target = '', line = '']) => ({
    name,
    target,
    line: Number(line),
    actual: lineOf(join(folder, target), name),
  }))
}

/** The page with every such link set to the line where the declaration is now. */
export function updateAnchors(text: string, pagePath: string): string {
  return text.replaceAll(LINK, (link, name: string, target: string, line: string) => {
    const actual = lineOf(join(dirname(pagePath), target), name)
    return actual === undefined ? link : link.replace(`#L${line})`, `#L${actual})`)
  })
}
