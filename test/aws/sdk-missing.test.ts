import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { AS_DEPLOYED } from '@warmtoken/infra/bundle'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const SDK = '@aws-sdk/client-'
const PROGRAM = fileURLToPath(new URL('./sdk-missing.test-process.ts', import.meta.url))

interface Told {
  readonly name: string
  readonly code: string
  readonly retryable: boolean
  readonly message: string
  readonly cause?: string
}

/** What became of each use of the SDK, by its name. */
interface Report {
  readonly [use: string]: Told & { readonly fetches?: number; readonly events?: readonly object[] }
}

let folder = ''
beforeAll(() => {
  // Beside nothing that holds packages: what is not in the bundle cannot be found.
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-sdk-missing-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the program without what is external. */
async function runWithout(external: readonly string[], format: 'esm' | 'cjs'): Promise<Report> {
  const outdir = mkdtempSync(join(folder, 'bundle-'))
  const isModule = format === 'esm'
  await build({
    ...AS_DEPLOYED,
    format,
    splitting: isModule,
    entryPoints: [PROGRAM],
    outdir,
    external: [...external],
    entryNames: 'program',
  })
  writeFileSync(join(outdir, 'package.json'), JSON.stringify({ type: isModule ? 'module' : 'commonjs' }))
  const env = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' }
  const { stdout } = await promisify(execFile)(process.execPath, [join(outdir, 'program.js')], { env })
  return JSON.parse(stdout) as Report
}

describe.each(['esm', 'cjs'] as const)('without the SDK, in a bundle of format %s,', (format) => {
  let report: Report
  beforeAll(async () => {
    report = await runWithout(['@aws-sdk/*'], format)
  })

  it.each([
    [
      'dynamodb',
      'DynamoDB: the package @aws-sdk/client-dynamodb is not installed; install it, or give region and credentials',
    ],
    ['s3', 'S3: the package @aws-sdk/client-s3 is not installed; install it'],
  ])('a token by the store on %s is refused with the package to install, and no issuer is asked', (use, message) => {
    const { fetches, events, ...told } = report[use] ?? {}
    const code = 'STORE_REFUSED'
    expect(told).toEqual({
      name: 'StoreError',
      code,
      retryable: false,
      message: expect.stringMatching(new RegExp(`^${message} \\(custom~`)),
      cause: message,
    })
    expect(fetches).toBe(0)
    expect(events).toEqual([{ type: 'store-error', key: expect.any(String), operation: 'read', code }])
  })

  it.each([
    ['sts', 'SDK_MISSING', `STS: the package ${SDK}sts is not installed; install it`],
    [
      'secrets-manager',
      'SECRET_UNAVAILABLE',
      `Secrets Manager: the package ${SDK}secrets-manager is not installed; install it`,
    ],
    ['ssm', 'SECRET_UNAVAILABLE', `Systems Manager: the package ${SDK}ssm is not installed; install it`],
  ])('a token that needs %s fails with the package to install as its cause', (use, code, cause) => {
    expect(report[use]).toMatchObject({ name: 'SourceUnavailableError', code, retryable: true, cause })
  })

  it('a key that KMS guards is refused with the package to install', () => {
    const message = `KMS: the package ${SDK}kms is not installed; install it`
    expect(report['kms']).toEqual({ name: 'KeyFault', code: 'KEY_REFUSED', retryable: false, message })
  })
})

describe('without something else that the SDK needs', () => {
  it('is not told that the SDK is missing', async () => {
    const report = await runWithout(['@smithy/*'], 'esm')
    expect(Object.keys(report)).toHaveLength(6)
    expect(JSON.stringify(report)).not.toContain('is not installed')
    expect(report['kms']).toMatchObject({ code: 'ERR_MODULE_NOT_FOUND' })
  })
})
