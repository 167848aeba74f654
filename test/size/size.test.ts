import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUDGET, CORE_BUDGET } from './budget.ts'
import { type Bundled, bundleHandler, loadedWith } from './bundle.ts'

const run = promisify(execFile)

let folder = ''
let bundled: Bundled
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-size-'))
  bundled = await bundleHandler(join(folder, 'bundle'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the bundle of a handler', () => {
  it('loads no more than its budget with a hit', () => {
    const { loaded, core } = bundled
    const heaviest = bundled.weights.slice(0, 12).map(([source, weight]) => `${weight} ${source}`)
    const told = `a hit loads ${loaded} bytes, ${core} of them Middy and core; the heaviest are\n${heaviest.join('\n')}`
    expect(loaded, told).toBeLessThanOrEqual(BUDGET)
    expect(core, told).toBeLessThanOrEqual(CORE_BUDGET)
  })

  it('has the signing library and the SDK in chunks that load later', () => {
    const loaded = new Set(loadedWith(bundled.chunks, bundled.entry))
    for (const library of ['jose', '@aws-sdk', '@smithy']) {
      const holding = bundled.chunks.filter(({ inputs }) => inputs.some((input) => input.includes(`/${library}/`)))
      expect(holding.length).toBeGreaterThan(0)
      expect(holding.filter((chunk) => loaded.has(chunk))).toEqual([])
    }
  })
})

interface Report {
  readonly tiers: readonly string[]
  readonly loaded: readonly string[]
  readonly builtins: readonly string[]
}

/** Calls the handler in a new process that shares the temporary folder with the others. */
async function callHandler(calls: number, tokenEndpoint: string): Promise<Report> {
  const { stdout } = await run(
    process.execPath,
    [
      fileURLToPath(new URL('./run-handler.ts', import.meta.url)),
      join(folder, 'bundle', bundled.entry.name),
      String(calls),
    ],
    {
      env: {
        TOKEN_ENDPOINT: tokenEndpoint,
        TOKEN_DIRECTORY: join(folder, 'tokens'),
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
      },
    },
  )
  return JSON.parse(stdout) as Report
}

/** The chunks of the bundle that a process loaded, by name. */
function chunksOf({ loaded }: Report): readonly string[] {
  return loaded.filter((url) => url.endsWith('.js')).map((url) => basename(url))
}

describe('what a process loads', () => {
  let issuer: Server
  let endpoint = ''
  let requests = 0
  beforeAll(async () => {
    issuer = createServer((_request, response) => {
      requests += 1
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end('{"access_token":"abc","token_type":"Bearer","expires_in":3600}')
    })
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
    const address = issuer.address()
    endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/token`
  })
  afterAll(() => {
    issuer.close()
    issuer.closeAllConnections()
  })

  // The first process finds nothing in the file, cannot reach the table, and asks the issuer; it fills the file.
  it('for a fetch is the SDK and the grant too, and a memory hit adds nothing', async () => {
    const first = await callHandler(2, endpoint)
    expect(first.tiers).toEqual(['source', 'memory'])
    expect(requests).toBe(1)
    const names = chunksOf(first).join()
    expect(names).toContain('sdk-')
    expect(names).toContain('grant')
  })

  it('for a file hit and a memory hit is the entry alone, without crypto, http or anything else of weight', async () => {
    const report = await callHandler(2, endpoint)
    expect([report.tiers, requests]).toEqual([['file', 'memory'], 1])
    const start = new Set(loadedWith(bundled.chunks, bundled.entry).map(({ name }) => name))
    expect(chunksOf(report).filter((name) => !start.has(name))).toEqual([])
    const heavy =
      /^(crypto|internal\/crypto\/|http|https|http2|_http|net|tls|internal\/deps\/undici|zlib|dns|child_process)/
    expect(report.builtins.filter((name) => heavy.test(name))).toEqual([])
  })
})
