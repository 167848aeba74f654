import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '@warmtoken/infra/bundle'
import { type Issuer, type ProtectedApi, startDynamoDB, startIssuer, startProtectedApi } from '@warmtoken/local'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../lab/lab.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Below a folder named node_modules, where git and other tools do not look, and where imports resolve as in test/. */
const FOLDER = 'test/node_modules/.warmtoken-handlers'

/** Every code block of the pages that exports a handler. */
const handlers = globSync(['README.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: ROOT })
  .sort()
  .flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8')
    return [...text.matchAll(/^```(?:ts|typescript)\n([\s\S]*?)^```/gm)].map((match) => ({
      where: `${page}:${text.slice(0, match.index).split('\n').length + 1}`,
      code: match[1] ?? '',
    }))
  })
  .filter(({ code }) => code.includes('export const handler ='))

const CLIENTS = ['crm', 'local'].map((id) => ({ id, secret: 'local-secret' }))
/** What pages take for given. */
const GIVEN = `
function secret(name: string): Promise<string> {
  return Promise.resolve(name.includes('ring') ? String(process.env['RING']) : 'local-secret')
}
`
const GIVEN_TOKENS = `
import { createTokens as givenTokens } from '@warmtoken/core'
import { clientCredentials as givenSource } from '@warmtoken/core/oauth2'
const tokens = givenTokens()
`
const GIVEN_CRM = `
const crm = tokens.use(givenSource({ issuer: String(process.env['ISSUER']), clientId: 'crm', clientSecret: 'local-secret', allowInsecure: true }))
`

let issuer: Issuer
let api: ProtectedApi
let others: Server
const closing: (() => Promise<unknown> | unknown)[] = []
let environment: Readonly<Record<string, string>> = {}

beforeAll(async () => {
  mkdirSync(join(ROOT, FOLDER), { recursive: true })
  issuer = await startIssuer({ clients: CLIENTS })
  api = await startProtectedApi({ issuer: issuer.url, audience: issuer.audience })
  const dynamoDB = await startDynamoDB({ tables: ['tokens'] })
  // A vendor with an API of its own, for the pages that show one.
  others = createServer((_request, response) => response.end(JSON.stringify({ key: 'local-key' })))
  await once(others.listen(0, '127.0.0.1'), 'listening')
  closing.push(issuer.close, api.close, dynamoDB.close, () => others.close())
  environment = {
    ISSUER: issuer.url,
    API_URL: api.url,
    CLIENT_ID: 'crm',
    CLIENT_SECRET: 'local-secret',
    TOKEN_TABLE: 'tokens',
    RING: randomBytes(32).toString('base64'),
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: dynamoDB.url,
  }
})
afterAll(async () => {
  await Promise.all(closing.map((close) => close()))
  rmSync(join(ROOT, FOLDER), { recursive: true, force: true })
})

/** The page's code, with local addresses in place of those of example.com, and with what the page takes for given. */
function runnable(code: string): string {
  const { port } = others.address() as AddressInfo
  const local = code
    .replaceAll('https://login.example.com/oauth2/token', `${issuer.url}/token`)
    .replaceAll('https://login.example.com', issuer.url)
    .replaceAll('https://api.example.com', api.url)
    .replaceAll(/https:\/\/[\w.-]+\.example\.com/g, `http://127.0.0.1:${port}`)
    .replaceAll('clientCredentials({', 'clientCredentials({ allowInsecure: true,')
  const needsTokens = !/const tokens\b/.test(code)
  const needsCrm = /\bcrm\b/.test(code) && !/const crm\b/.test(code)
  return [GIVEN, needsTokens && GIVEN_TOKENS, needsCrm && GIVEN_CRM, local].filter(Boolean).join('\n')
}

/** What a handler is called with: an event that the handler of the Feishu page answers as well. */
const EVENT = {
  headers: {},
  body: JSON.stringify({ type: 'url_verification', challenge: 'are-you-there', token: 'local-secret' }),
}

function inJson(result: unknown): string {
  return JSON.stringify(result) ?? 'null'
}

describe('the handlers of the pages', () => {
  it('are found', () => {
    expect(handlers.length).toBeGreaterThanOrEqual(5)
  })

  it.each(handlers)('$where answers through the Lambda runtime what a caller can read', async ({ where, code }) => {
    const name = where.replaceAll(/\W+/g, '-')
    writeFileSync(join(ROOT, FOLDER, `${name}.ts`), runnable(code))
    const { files } = await bundle(ROOT, [`${FOLDER}/${name}.ts`])
    const lab = await startLab({ bundle: files, handler: `${FOLDER}/${name}.handler`, environment })
    try {
      const outcome = await lab.environment().invoke(EVENT)
      expect(outcome, lab.output()).toMatchObject({ status: 'answered' })
      const { result } = outcome as { readonly result: unknown }
      // A stream writes what it likes. Anything else becomes JSON, and a Response or a Map would arrive as {}.
      if (!code.includes('streamifyResponse')) expect(inJson(result)).not.toMatch(/^({}|null|"")$/)
      if (code.includes('statusCode'))
        expect(result).toMatchObject({ statusCode: 200, body: expect.stringMatching(/./) })
      if (code.includes('/contacts')) expect(inJson(result)).toContain('Ada Lovelace')
    } finally {
      await lab.close()
    }
  })
})
