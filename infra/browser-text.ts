import { dirname, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'

const MARK = '?browser'

/** `import text from './page.ts?browser'`: that module and what it imports, bundled for browsers, as a text. */
export function browserText(): Plugin {
  return {
    name: 'browser-text',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\?browser$/ }, ({ path, importer }) => ({
        path: resolve(dirname(importer), path.slice(0, -MARK.length)),
        namespace: 'browser-text',
      }))
      onLoad({ filter: /.*/, namespace: 'browser-text' }, async ({ path }) => {
        const { outputFiles } = await build({
          entryPoints: [path],
          bundle: true,
          minify: true,
          format: 'esm',
          target: 'es2022',
          conditions: ['source'],
          write: false,
          logLevel: 'silent',
        })
        return { contents: outputFiles[0]?.text ?? '', loader: 'text' }
      })
    },
  }
}
