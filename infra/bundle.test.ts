import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { bundle, entryOf } from './bundle.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

test('a handler names its source', () => {
  expect(entryOf('functions/contacts.handler')).toBe('functions/contacts.ts')
  expect(entryOf('functions/v1.contacts.handler')).toBe('functions/v1.contacts.ts')
})

test('what only a fetch or the store needs is not in what a call answered from memory loads', async () => {
  const { files, metafile } = await bundle(ROOT, ['functions/contacts.ts'])
  expect(new TextDecoder().decode(files.get('package.json'))).toBe('{"type":"module"}\n')
  const loaded = new Set<string>()
  const load = (name: string): void => {
    if (loaded.has(name)) return
    loaded.add(name)
    const { imports = [] } = metafile.outputs[name] ?? {}
    for (const { path, kind, external } of imports) if (kind === 'import-statement' && !external) load(path)
  }
  load('bundle/functions/contacts.js')
  const modules = [...loaded].flatMap((name) => Object.keys(metafile.outputs[name]?.inputs ?? {}))
  expect(modules).toContain('functions/contacts.ts')
  expect(modules.filter((name) => /[/]jose[/]|@aws-sdk|@smithy/.test(name))).toEqual([])
})

test('nothing asks for a require, which ES modules do not have', async () => {
  const { files } = await bundle(ROOT, ['functions/contacts.ts'])
  const text = [...files.values()].map((contents) => new TextDecoder().decode(contents)).join('\n')
  // What esbuild puts where it cannot bundle a require. Core knows the text as well, to explain it.
  expect(text).not.toMatch(/Error\(.?Dynamic require of/)
})

test('two builds make the same files', async () => {
  const [one, other] = await Promise.all([
    bundle(ROOT, ['functions/prewarm.ts']),
    bundle(ROOT, ['functions/prewarm.ts']),
  ])
  expect([...one.files]).toEqual([...other.files])
})
