import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { plainReporter } from './scripts/plain-reporter.ts'

const CONTENTION = ['test/stores/contention.test.ts', 'test/data/contention.test.ts', 'test/history/**']

const NO_TESTS = ['**/node_modules/**', '**/.warmtoken/**']

const SERVERS = fileURLToPath(new URL('.warmtoken/servers/bin', import.meta.url))

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    reporters: ['default', plainReporter()],
    include: ['packages/*/src/**/*.test.ts', 'infra/**/*.test.ts', 'functions/**/*.test.ts', 'test/**/*.test.ts'],
    // Hundreds of processes on few cores want the machine to themselves: `pnpm test:contention` runs these, one by one,
    // and `.ci/run` has it follow the others.
    exclude: process.env['WARMTOKEN_CONTENTION'] === undefined ? [...NO_TESTS, ...CONTENTION] : NO_TESTS,
    // Servers that scripts/servers.sh has unpacked come before those of the system.
    env: { PATH: `${SERVERS}:${process.env['PATH'] ?? ''}` },
    // Most files wait for servers and processes of their own, so there are more workers than cores.
    maxWorkers: 4,
    // Bounds for what hangs, not for what is slow: hooks install packages and start servers while other files use the cores.
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
