import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { startDynamoDB, startDynoxide } from '@warmtoken/local'
import { credentials, region } from './signed.ts'

/** A DynamoDB of this machine behind HTTPS, with a token in it. */
export interface StandIn {
  readonly endpoint: string
  readonly table: string
  readonly key: string
  /** The file with the certificate that clients must trust. */
  readonly certificate: string
  close(): Promise<void>
}

const TABLE = 'tokens'

async function makeCertificate(folder: string): Promise<{ key: string; cert: string }> {
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  await promisify(execFile)('openssl', [...args, ...names, '-keyout', files.key, '-out', files.cert])
  return files
}

/** Puts a token under the key that the measured processes ask for. */
async function fill(endpoint: string, token: string, directory: string | false): Promise<string> {
  const store = dynamoDBStore({ table: TABLE, endpoint, region, credentials })
  const source = custom({ identity: 'cold', fetch: async () => ({ value: token, lifetime: 12 * 3_600_000 }) })
  const handle = createTokens({ store, directory }).use(source)
  await handle.get()
  return handle.key
}

/** Starts it. Fills the store, and the file tier in `directory`. */
export async function startStandIn(folder: string, token: string, directory: string): Promise<StandIn> {
  const table = await startDynoxide({ tables: [TABLE] }).catch(() => startDynamoDB({ tables: [TABLE] }))
  const key = await fill(table.url, token, directory)
  const files = await makeCertificate(folder)
  const agent = new Agent({ keepAlive: true })
  const server = createServer(
    { key: readFileSync(files.key), cert: readFileSync(files.cert) },
    (incoming, response) => {
      const { method = 'POST', headers, url = '/' } = incoming
      const forward = request(new URL(url, table.url), { method, headers, agent }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, { ...answer.headers, date: new Date().toUTCString() })
        answer.pipe(response)
      })
      forward.on('error', () => response.destroy())
      incoming.pipe(forward)
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    endpoint: `https://localhost:${port}`,
    table: TABLE,
    key,
    certificate: files.cert,
    close: async () => {
      server.closeAllConnections()
      server.close()
      agent.destroy()
      await table.close()
    },
  }
}
