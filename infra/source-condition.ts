import { registerHooks } from 'node:module'

// The framework's process is not ours to start with `--conditions=source`. So this makes imports of the workspace's
// packages, and of these alone, resolve to their sources: a fresh clone runs without a build.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier.startsWith('@warmtoken/')
      ? next(specifier, { ...context, conditions: [...context.conditions, 'source'] })
      : next(specifier, context),
})
