/**
 * Prints the phrases of words.txt in the folders and files that it is given, or in the whole repository:
 * `pnpm words packages/core`. Exits with 1 if it finds any.
 */
import { describeFinding, findPhrases } from './words.ts'

const EVERYTHING = [
  '.changeset',
  '.github',
  '*.md',
  'bench',
  'docs',
  'functions',
  'infra',
  'packages',
  'scripts',
  'test',
]

const places = process.argv.slice(2)
const findings = findPhrases(places.length === 0 ? EVERYTHING : places)
for (const finding of findings) console.log(describeFinding(finding))
console.log(`${findings.length} found`)
process.exitCode = findings.length === 0 ? 0 : 1
