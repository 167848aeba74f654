import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const lines = readFileSync(new URL('../../serverless.yml', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => !/^\s*(#|$)/.test(line))

/** The names one step below these, `*` for any. */
function namesBelow(...path: readonly string[]): readonly string[] {
  const names = new Set<string>()
  const at: string[] = []
  for (const line of lines) {
    const [, indent = '', name] = /^( *)(?:- )?([\w]+):/.exec(line) ?? []
    if (name === undefined) continue
    at.splice(indent.length / 2, at.length, name)
    const above = at.slice(0, -1)
    const isBelow = above.length === path.length && path.every((one, index) => one === '*' || one === above[index])
    if (isBelow) names.add(name)
  }
  return [...names].toSorted()
}

// From the schema of Serverless 4.41.0 (packages/serverless/lib/config-schema.js and lib/plugins/aws/provider.js of
// github.com/serverless/serverless): those of its properties that this project has a use for.
const KNOWN = {
  root: ['custom', 'functions', 'package', 'params', 'plugins', 'provider', 'resources', 'service'],
  provider: [
    'architecture',
    'environment',
    'iam',
    'logRetentionInDays',
    'memorySize',
    'name',
    'region',
    'runtime',
    'stage',
    'tags',
    'timeout',
    'versionFunctions',
  ],
  iam: ['role'],
  package: ['artifact', 'individually', 'patterns'],
  function: ['environment', 'events', 'handler', 'memorySize', 'package', 'timeout'],
} as const

test.each([
  ['root', []],
  ['provider', ['provider']],
  ['iam', ['provider', 'iam']],
  ['package', ['package']],
  ['function', ['functions', '*']],
] as const)('serverless.yml has no property of %s that Serverless 4 does not know', (level, path) => {
  const names = namesBelow(...path)
  expect(names.length).toBeGreaterThan(0)
  expect(names.filter((name) => !(KNOWN[level] as readonly string[]).includes(name))).toEqual([])
})
