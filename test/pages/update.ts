/**
 * Brings up to date what follows from the source: the picture of the architecture, links to lines of source, and the
 * addresses in the packages' manifests. `pnpm docs:update`.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { drawHouse } from '../architecture/picture.ts'
import { updateAnchors } from './anchors.ts'
import { ROOT, updateManifest } from './manifests.ts'

function rewrite(path: string, change: (text: string) => string): void {
  const file = join(ROOT, path)
  const before = readFileSync(file, 'utf8')
  const after = change(before)
  if (after === before) return
  writeFileSync(file, after)
  console.log(`updated ${path}`)
}

const picture = await drawHouse()
rewrite('docs/architecture.svg', () => picture)
for (const page of globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT })) {
  rewrite(page, (text) => updateAnchors(text, join(ROOT, page)))
}
for (const path of globSync('packages/*/package.json', { cwd: ROOT })) {
  rewrite(path, (text) => updateManifest(text, dirname(path)))
}
