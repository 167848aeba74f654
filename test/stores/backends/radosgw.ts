import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import type { Backend } from './backend.ts'
import { BUCKET, localS3, plantObject, S3_ANSWERS } from './s3.ts'

const SCRIPT = fileURLToPath(new URL('../radosgw/start.sh', import.meta.url))
const PROGRAMS = ['radosgw', 'ceph-mon', 'ceph-osd']

/** radosgw 16 compares an ETag in quotes with one without: `If-Match` never holds unless the quotes go. */
export function withoutQuotes(client: S3Client): S3Client {
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: { [name: string]: string } }
      const etag = headers['if-match']
      if (etag !== undefined) headers['if-match'] = etag.replaceAll('"', '')
      return next(args)
    },
    { step: 'build', name: 'unquotedETags' },
  )
  return client
}

/** S3 by Ceph: an independent witness that conditional writes do what the store expects of them. */
export const radosgw: Backend = {
  name: 'radosgw 16',
  async start() {
    for (const program of PROGRAMS) {
      await access(`/usr/bin/${program}`).catch(() => {
        throw new Error(
          `${program} is missing; on Debian: apt-get install --no-install-recommends ${PROGRAMS.join(' ')}`,
        )
      })
    }
    const folder = await mkdtemp(join(tmpdir(), 'warmtoken-radosgw-'))
    const port = await freePort()
    const child = spawn(SCRIPT, [folder, String(port)], { stdio: ['ignore', 'pipe', 'pipe'] })
    const kill = (): void => void child.kill()
    process.once('exit', kill)
    const exited = once(child, 'exit')
    const url = `http://127.0.0.1:${port}`
    const clients = [localS3(url)]
    const [direct = localS3(url)] = clients
    const close = async (): Promise<void> => {
      process.off('exit', kill)
      for (const client of clients) client.destroy()
      kill()
      await exited
    }
    const started = await Promise.race([once(child.stdout, 'data').then(() => true), exited.then(() => false)])
    if (!started) throw new Error(`radosgw did not start: ${child.stderr.read() ?? ''}`)
    await direct.send(new CreateBucketCommand({ Bucket: BUCKET }))
    return {
      url,
      answers: S3_ANSWERS,
      plant: plantObject(direct, BUCKET),
      keepUntilOf: async () => undefined,
      connect(address) {
        const client = withoutQuotes(localS3(address))
        clients.push(client)
        return s3Store({ bucket: BUCKET, client })
      },
      close,
    }
  },
}

/** The script takes the two ports after it, too. */
async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return address !== null && typeof address === 'object' ? address.port : 7480
}
