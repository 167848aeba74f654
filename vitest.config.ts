import { defineConfig } from 'vitest/config'
import { plainReporter } from './scripts/plain-reporter.ts'

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    reporters: ['default', plainReporter()],
    include: ['packages/*/src/**/*.test.ts', 'infra/**/*.test.ts', 'functions/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
