import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchorsOf } from './anchors.ts'
import { addressesOf, homepage, ROOT, updateManifest } from './manifests.ts'

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

describe('links to a line of source', () => {
  const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT })
  const anchors = pages.flatMap((page) =>
    anchorsOf(read(page), join(ROOT, dirname(page))).map((anchor) => ({ page, ...anchor })),
  )

  it('lead to the declaration that they name; run `pnpm docs:update` if one does not', () => {
    expect(anchors.filter(({ line, actual }) => line !== actual)).toEqual([])
  })

  it('lead from the architecture page to the decision whether a stale token is served', () => {
    const onPage = anchors.filter(({ page }) => page === 'docs/architecture.md')
    expect(onPage.map(({ target, name }) => `${target} ${name}`)).toContain(
      '../packages/core/src/engine/decide.ts decide',
    )
    expect(read('packages/core/src/engine/decide.ts')).toContain("'use-stale'")
  })
})

/** The anchors that GitHub gives to the headings of a page. */
function headingsOf(path: string): readonly string[] {
  return [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe('links to a heading', () => {
  it.each(globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: ROOT }))('lead to one from %s', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*\.md|)#([^)\s]+)\)/g)]
    const broken = links.filter(([, target = '', anchor = '']) => {
      const path = target === '' ? page : join(dirname(page), target)
      return !headingsOf(path).includes(anchor)
    })
    expect(broken.map(([link]) => link)).toEqual([])
  })
})

describe('the manifests of the packages', () => {
  const folders = globSync('packages/*/package.json', { cwd: ROOT }).map((path) => dirname(path))

  it.each(folders)('%s has the addresses of the project; run `pnpm docs:update` if it has not', (folder) => {
    expect(JSON.parse(read(`${folder}/package.json`))).toMatchObject(addressesOf(folder))
  })

  it.each(folders)('%s has keywords, a description and a README', (folder) => {
    const { keywords, description } = JSON.parse(read(`${folder}/package.json`)) as Record<string, unknown>
    expect(keywords).toEqual(expect.arrayContaining(['warmtoken', 'aws-lambda']))
    expect(description).toMatch(/\.$/)
    expect(read(`${folder}/README.md`).length).toBeGreaterThan(200)
  })

  it('take the address from the homepage of the root, which is an https address', () => {
    expect(homepage()).toMatch(/^https:\/\/[\w.-]+\/[\w.-]+\/[\w.-]+$/)
    const updated = updateManifest('{"name":"x","homepage":"old","type":"module"}', 'packages/x', 'https://host/me/it')
    expect(JSON.parse(updated)).toEqual({
      name: 'x',
      type: 'module',
      keywords: ['warmtoken', 'aws-lambda', 'cache', 'x'],
      homepage: 'https://host/me/it/tree/main/packages/x#readme',
      repository: { type: 'git', url: 'git+https://host/me/it.git', directory: 'packages/x' },
      bugs: 'https://host/me/it/issues',
    })
  })
})

describe('the decision records', () => {
  const records = globSync('docs/decisions/[0-9]*.md', { cwd: ROOT }).sort()

  it('are all in the index', () => {
    const index = read('docs/decisions/README.md')
    expect(records.filter((path) => !index.includes(`](${path.slice('docs/decisions/'.length)})`))).toEqual([])
  })

  it('have a number of their own, and the headings of the template', () => {
    const numbers = records.map((path) => path.slice('docs/decisions/'.length).slice(0, 4))
    expect(new Set(numbers).size).toBe(numbers.length)
    const headings = ['## Context', '## Decision', '## Consequences']
    expect(records.filter((path) => !headings.every((heading) => read(path).includes(heading)))).toEqual([])
  })
})

describe('the index of the documentation', () => {
  it('links to every page', () => {
    const index = read('docs/README.md')
    const pages = globSync('docs/**/*.md', { cwd: ROOT })
      .map((path) => path.slice('docs/'.length))
      .filter((path) => path !== 'README.md' && !/^(?:decisions|performance)\/(?!README)/.test(path))
    expect(pages.filter((path) => !index.includes(`](${path}`))).toEqual([])
  })
})

describe('the words that users search for', () => {
  const WORDS = [
    'jitter',
    'coalescing',
    'stale-while-revalidate',
    'stale-if-error',
    'TTL',
    'rate limit',
    'single flight',
  ]
  const all = [...WORDS, 'compare-and-swap', 'fencing token']

  it.each(all)('%s is in the glossary', (word) => {
    expect(read('docs/glossary.md').toLowerCase()).toContain(word.toLowerCase())
  })
})
