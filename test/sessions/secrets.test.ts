import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FOLDERS = 'packages/core/src/{sessions,authorizer,middy/authenticate,jwt}/**/*.ts'
/** Comparisons that say nothing of a text: with nothing, with a kind, of a length. */
const HARMLESS = /[!=]== ?(undefined|null|''|'string'|'function'|false|true|-?\d+)|typeof \w+/g
/** Names of what must not be compared in a time that depends on where two texts differ. */
const NAME = String.raw`\b(token|text|secret|ticket|password|sum|bearer|sent)(\.value)?\b`
const COMPARED = new RegExp(`${NAME}\\s*[!=]==?|[!=]==?\\s*${NAME}(?![.([])`)

function isCompared(line: string): boolean {
  return !/^\s*(\*|\/\/)/.test(line) && COMPARED.test(line.replace(HARMLESS, ''))
}

it('no secret of a session is compared by ===; they are found by their digest', () => {
  const files = globSync(FOLDERS, { cwd: ROOT }).filter((path) => !/\.test[.-]/.test(path))
  expect(files.length).toBeGreaterThan(15)
  const found = files.flatMap((path) =>
    readFileSync(`${ROOT}/${path}`, 'utf8')
      .split('\n')
      .filter(isCompared)
      .map((line) => `${path}: ${line.trim()}`),
  )
  expect(found).toEqual([])
  expect(['if (token === other) return', 'return expected === secret', 'x !== sent'].map(isCompared)).toEqual([
    true,
    true,
    true,
  ])
})
