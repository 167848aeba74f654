import type { Plugin } from 'esbuild'

/** The page of `@warmtoken/console` is built before it is bundled; in an installed package it is built already. */
export function consolePage(): Plugin {
  return {
    name: 'console-page',
    setup({ onResolve }) {
      onResolve({ filter: /^#built$/ }, async () => {
        const { ensureBuilt } = await import('@warmtoken/console-app/build')
        await ensureBuilt()
        return undefined
      })
    },
  }
}
