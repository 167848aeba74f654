/** Writes docs/sources/answers.md from what becomes of each answer. `pnpm docs:answers`. */
import { writeFileSync } from 'node:fs'
import { drawAnswersPage } from './page.ts'

writeFileSync(new URL('../../../docs/sources/answers.md', import.meta.url), await drawAnswersPage())
