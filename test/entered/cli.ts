/** `pnpm entered [--list]`: which files and functions of this project one `get` enters, for each tier that may answer it. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startDynamoDB } from '@warmtoken/local'
import type { Entered } from './run-get.ts'

const SCRIPT = fileURLToPath(new URL('./run-get.ts', import.meta.url))
const list = process.argv.includes('--list')

const table = await startDynamoDB({ tables: ['tokens'] })
const issuer = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ access_token: 'abc', token_type: 'Bearer', expires_in: 3_600 }))
})
await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
const { port } = issuer.address() as AddressInfo
const folder = mkdtempSync(join(tmpdir(), 'warmtoken-entered-'))

async function get(directory: string, times = 1): Promise<Entered> {
  const servers = [table.url, `http://127.0.0.1:${port}/token`]
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=source', SCRIPT, ...servers, directory, String(times)],
    { env: { ...process.env, AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' }, maxBuffer: 2 ** 24 },
  )
  return JSON.parse(stdout) as Entered
}

try {
  const cold = await get(join(folder, 'first'))
  const rows: (readonly [name: string, entered: Entered])[] = [
    ['cold get, DynamoDB', cold],
    ['store hit', await get(join(folder, 'second'))],
    ['file hit', await get(join(folder, 'first'))],
    ['memory hit', await get(join(folder, 'first'), 2)],
  ]
  for (const [name, { tier, functions }] of rows.reverse()) {
    const files = Object.keys(functions).sort()
    const count = Object.values(functions).flat().length
    console.log(`${name} (from ${tier}): ${files.length} files, ${count} functions`)
    if (list) for (const file of files) console.log(`  ${file}: ${functions[file]?.join(', ')}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
  issuer.close()
  await table.close()
}
