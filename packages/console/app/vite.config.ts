import { fileURLToPath } from 'node:url'
import { defineConfig, type UserConfig } from 'vite'

/**
 * How the page is built, and served while you change it: `pnpm --filter @warmtoken/console-app dev` beside `pnpm dev`, whose
 * admin function answers the API.
 */
const config: UserConfig = defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // The admin function may be under any path.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // One script and one style: nothing that is inlined, which the policy of the page would refuse.
  build: { assetsInlineLimit: 0, modulePreload: false, cssCodeSplit: false, target: 'es2022' },
  server: { host: '127.0.0.1', port: 5173, proxy: { '/api': { target: 'http://127.0.0.1:3000/admin' } } },
})
export default config
