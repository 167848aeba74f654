import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtinModules } from './esbuild.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-bundle-'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Bundles a program with the plugin, and runs it. */
async function bundled(source: string, more: { readonly [name: string]: string } = {}) {
  for (const [name, text] of Object.entries({ ...more, 'main.js': source })) writeFileSync(join(folder, name), text)
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: ['main.js'],
    bundle: true,
    format: 'esm',
    platform: 'node',
    minify: true,
    write: false,
    plugins: [builtinModules()],
  })
  const text = outputFiles[0]?.text ?? ''
  writeFileSync(join(folder, 'out.js'), text)
  const { stdout, stderr } = spawnSync(process.execPath, ['out.js'], { cwd: folder, encoding: 'utf8' })
  return { text, stdout: stdout.trim(), stderr }
}

describe('the esbuild plugin', () => {
  it('gives named, default and namespace imports what a real import gives', async () => {
    const { text, stdout, stderr } = await bundled(`
      import fs, { existsSync as exists } from 'node:fs'
      import * as path from 'path'
      import { setTimeout as sleep } from 'timers/promises'
      import { createServer } from 'node:http'
      import { strict } from 'node:assert'
      await sleep(1)
      strict(createServer().listen)
      console.log(exists('/'), fs.existsSync === exists, path.join('a', 'b'), path.default.sep)
    `)
    expect(stderr).toBe('')
    expect(stdout).toBe('true true a/b /')
    expect(text).not.toMatch(/\bfrom\s*["'](node:)?(fs|path|http|timers|assert)/)
  })

  it('leaves out what is not used', async () => {
    const { text } = await bundled(`import { existsSync } from 'node:fs'; console.log(existsSync('/'))`)
    expect(text).toContain('existsSync')
    expect(text).not.toContain('appendFile')
    expect(text.length).toBeLessThan(200)
  })

  it('gives CommonJS the module itself', async () => {
    const { stdout, stderr } = await bundled(`import cjs from './old.cjs'; console.log(cjs)`, {
      'old.cjs': `const EventEmitter = require('events'); const { sep } = require('node:path')
        module.exports = [typeof EventEmitter, new EventEmitter() instanceof require('node:events'), sep].join()`,
    })
    expect(stderr).toBe('')
    expect(stdout).toBe('function,true,/')
  })

  it('leaves lazy imports lazy, and packages alone that are named like nothing built in', async () => {
    const { text, stdout } = await bundled(
      `import { own } from './fs-like.js'; const zlib = await import('node:zlib'); console.log(own, typeof zlib.gzipSync)`,
      { 'fs-like.js': 'export const own = 1' },
    )
    expect(stdout).toBe('1 function')
    expect(text).toContain('import("node:zlib")')
  })

  it.each([true, false])('has a lazy chunk alone load the helpers for its CommonJS (minified: %s)', async (minify) => {
    const files = {
      'split.js': `export const later = () => import('./lazy.js'); export const one = 1`,
      'lazy.js': `import cjs from './old.cjs'; export const { two } = cjs`,
      'old.cjs': 'exports.two = 2',
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const options = { bundle: true, splitting: true, format: 'esm', platform: 'node', minify } as const
    const both = { absWorkingDir: folder, entryPoints: ['split.js'], plugins: [builtinModules()], ...options }
    const outdir = `split-${minify}`
    await build({ ...both, outdir })
    const { outputFiles } = await build({ ...both, outdir, write: false })
    const run = `import { later, one } from './${outdir}/split.js'; console.log(one, (await later()).two)`
    writeFileSync(join(folder, 'run.js'), run)
    const { stdout, stderr } = spawnSync(process.execPath, ['run.js'], { cwd: folder, encoding: 'utf8' })
    expect([stdout, stderr]).toEqual(['1 2\n', ''])
    const onDisk = outputFiles.map(({ path, text }) => [path, text, readFileSync(path, 'utf8')] as const)
    expect(onDisk.length).toBe(3)
    for (const [, text, written] of onDisk) {
      expect(text).toBe(written)
      expect(text).not.toMatch(/import ?"/)
    }
  })

  it('leaves imports alone that run something, also where all chunks are named alike', async () => {
    const files = {
      'effect.js': 'globalThis.ran = true',
      'old.cjs': 'exports.two = 2',
      'lazy.js': `import cjs from './old.cjs'; export const { two } = cjs`,
      'first.js': `import './effect.js'; export const later = () => import('./lazy.js'); export const { ran } = globalThis`,
      'other.js': `import './effect.js'; export const later = () => import('./lazy.js')`,
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const options = { bundle: true, splitting: true, format: 'esm', platform: 'node', outdir: 'alike' } as const
    const both = {
      absWorkingDir: folder,
      entryPoints: ['first.js', 'other.js'],
      plugins: [builtinModules()],
      ...options,
    }
    await build({ ...both, chunkNames: '[hash]/[name]' })
    const run = `import { later, ran } from './alike/first.js'; console.log(ran, (await later()).two)`
    writeFileSync(join(folder, 'run.js'), run)
    const { stdout, stderr } = spawnSync(process.execPath, ['run.js'], { cwd: folder, encoding: 'utf8' })
    expect([stdout, stderr]).toEqual(['true 2\n', ''])
    expect(readFileSync(join(folder, 'alike', 'first.js'), 'utf8').match(/import ?"/g)).toHaveLength(1)
  })
})
