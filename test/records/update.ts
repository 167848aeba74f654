/** Writes docs/damaged-records.md from the kinds that the tests plant. `pnpm docs:records`. */
import { writeFileSync } from 'node:fs'
import { drawKindsPage } from './page.ts'

writeFileSync(new URL('../../docs/damaged-records.md', import.meta.url), drawKindsPage())
