import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LocalServer } from '../http/listen.ts'
import type { S3Options } from './start-s3.ts'
import { LOCAL_CREDENTIALS, startS3 } from './start-s3.ts'

const Bucket = 'tokens'
const open: { close(): Promise<void> | void }[] = []
let server: LocalServer
let client: S3Client

async function start(options: S3Options = {}): Promise<void> {
  server = await startS3({ buckets: [Bucket], ...options })
  client = makeClient()
  open.push(server)
}

function makeClient(settings: { secretAccessKey?: string; accessKeyId?: string; attempts?: number } = {}): S3Client {
  const { attempts = 1, ...keys } = settings
  const made = new S3Client({
    endpoint: server.url,
    region: 'eu-west-1',
    credentials: { ...LOCAL_CREDENTIALS, ...keys },
    maxAttempts: attempts,
  })
  open.push({ close: () => made.destroy() })
  return made
}

async function outcome(sent: Promise<unknown>): Promise<string> {
  try {
    await sent
    return 'ok'
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error
    return `${error.$metadata.httpStatusCode} ${error.name}`
  }
}

function put(Key: string, Body: string | Uint8Array, more: object = {}) {
  return client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
}
async function read(Key: string, more: object = {}) {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...more }))
  return await Body?.transformToString()
}

beforeEach(() => start())
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

describe('conditional writes', () => {
  test('create succeeds once and is refused while the object exists', async () => {
    expect(await outcome(put('a', '1', { IfNoneMatch: '*' }))).toBe('ok')
    expect(await outcome(put('a', '2', { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed')
    expect(await read('a')).toBe('1')
  })

  test('If-None-Match with an entity tag is not implemented', async () => {
    expect(await outcome(put('a', '1', { IfNoneMatch: '"abc"' }))).toBe('501 NotImplemented')
  })

  test('replace needs the current entity tag, quoted or not', async () => {
    const { ETag = '' } = await put('a', '1')
    expect(await outcome(put('a', '2', { IfMatch: ETag }))).toBe('ok')
    expect(await outcome(put('a', '3', { IfMatch: ETag }))).toBe('412 PreconditionFailed')
    const { ETag: next = '' } = await client.send(new HeadObjectCommand({ Bucket, Key: 'a' }))
    expect(await outcome(put('a', '4', { IfMatch: next.replaceAll('"', '') }))).toBe('ok')
  })

  test('replacing an object that is gone answers 404', async () => {
    expect(await outcome(put('a', '1', { IfMatch: '"abc"' }))).toBe('404 NoSuchKey')
  })

  test('of 200 racing creates exactly one wins', async () => {
    const racers = Array.from({ length: 200 }, (_, index) => outcome(put('race', `${index}`, { IfNoneMatch: '*' })))
    const outcomes = await Promise.all(racers)
    expect(outcomes.filter((each) => each === 'ok')).toHaveLength(1)
    expect(await read('race')).toBe(String(outcomes.indexOf('ok')))
  })

  test('of 200 racing replacements exactly one wins', async () => {
    const { ETag } = await put('race', 'start')
    const racers = Array.from({ length: 200 }, (_, index) => outcome(put('race', `${index}`, { IfMatch: ETag })))
    expect((await Promise.all(racers)).filter((each) => each === 'ok')).toHaveLength(1)
  })

  test('deletion honors If-Match and does not mind an object that is gone', async () => {
    const { ETag } = await put('a', '1')
    const remove = (IfMatch: string | undefined) => client.send(new DeleteObjectCommand({ Bucket, Key: 'a', IfMatch }))
    expect(await outcome(remove('"abc"'))).toBe('412 PreconditionFailed')
    expect(await outcome(remove(ETag))).toBe('ok')
    expect(await outcome(remove(ETag))).toBe('ok')
  })

  test('ignoreConditions lets every racer win', async () => {
    await start({ ignoreConditions: true })
    const racers = Array.from({ length: 20 }, (_, index) => outcome(put('race', `${index}`, { IfNoneMatch: '*' })))
    expect(new Set(await Promise.all(racers))).toEqual(new Set(['ok']))
  })
})

describe('conditional reads', () => {
  test('GET and HEAD answer 304 when the reader already has it', async () => {
    const { ETag } = await put('a', '1')
    for (const Command of [GetObjectCommand, HeadObjectCommand]) {
      const sent = client.send(new Command({ Bucket, Key: 'a', IfNoneMatch: ETag }) as GetObjectCommand)
      await expect(sent).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } })
    }
  })

  test('GET and HEAD answer 412 when If-Match names another version', async () => {
    await put('a', '1')
    for (const Command of [GetObjectCommand, HeadObjectCommand]) {
      const sent = client.send(new Command({ Bucket, Key: 'a', IfMatch: '"abc"' }) as GetObjectCommand)
      await expect(sent).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } })
    }
  })

  test('a missing key and a missing bucket are told apart', async () => {
    expect(await outcome(read('nothing'))).toBe('404 NoSuchKey')
    expect(await outcome(read('a', { Bucket: 'nothing' }))).toBe('404 NoSuchBucket')
  })

  test('a range is cut out', async () => {
    await put('a', '0123456789')
    expect(await read('a', { Range: 'bytes=2-4' })).toBe('234')
    expect(await read('a', { Range: 'bytes=-3' })).toBe('789')
    expect(await outcome(read('a', { Range: 'bytes=20-' }))).toBe('416 InvalidRange')
  })
})

describe('what is kept with an object', () => {
  test('metadata, encryption and cache headers come back; the upload framing does not', async () => {
    const Body = Readable.from(['stre', 'amed'])
    const written = await client.send(
      new PutObjectCommand({
        Bucket,
        Key: 'päth with +&=/ø',
        Body,
        ContentLength: 8,
        ContentType: 'text/plain',
        CacheControl: 'no-store',
        Metadata: { tag: 'abc' },
        ServerSideEncryption: 'aws:kms',
        SSEKMSKeyId: 'key-1',
      }),
    )
    expect(written).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'key-1' })
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'päth with +&=/ø' }))
    expect(await got.Body?.transformToString()).toBe('streamed')
    expect(got).toMatchObject({
      ContentType: 'text/plain',
      CacheControl: 'no-store',
      Metadata: { tag: 'abc' },
      ServerSideEncryption: 'aws:kms',
      ETag: `"${createHash('md5').update('streamed').digest('hex')}"`,
    })
    expect(got.ContentEncoding).toBeUndefined()
  })

  test.each(['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const)('a %s checksum is verified and returned', async (name) => {
    const written = await put('a', 'content', { ChecksumAlgorithm: name })
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'a', ChecksumMode: 'ENABLED' }))
    expect(got[`Checksum${name}`]).toBe(written[`Checksum${name}`])
    expect(await got.Body?.transformToString()).toBe('content')
  })

  test('a CRC64NVME checksum is verified', async () => {
    // The check value of the CRC catalog for "123456789".
    expect(await outcome(put('a', '123456789', { ChecksumCRC64NVME: 'rosUhgpMLWI=' }))).toBe('400 BadDigest')
    expect(await outcome(put('a', '123456789', { ChecksumCRC64NVME: 'rosUhgp5mIg=' }))).toBe('ok')
  })

  test.each([{ ChecksumCRC32: 'AAAAAA==' }, { ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' }])(
    'a wrong digest is refused: %o',
    async (wrong) => {
      expect(await outcome(put('a', 'content', wrong))).toBe('400 BadDigest')
      expect(await outcome(read('a'))).toBe('404 NoSuchKey')
    },
  )
})

describe('multipart upload', () => {
  const Key = 'big'
  const head = Buffer.alloc(5 * 1024 * 1024, 'a')

  async function upload(more: object, bodies: readonly (Buffer | string)[] = [head, 'tail']): Promise<unknown> {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, Metadata: { tag: 'm' } }))
    const Parts = []
    for (const [index, Body] of bodies.entries()) {
      const part = { Bucket, Key, UploadId, PartNumber: index + 1, Body }
      const { ETag } = await client.send(new UploadPartCommand(part))
      Parts.push({ ETag, PartNumber: index + 1 })
    }
    return await client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }),
    )
  }

  test('joins its parts and honors both conditions', async () => {
    expect(await outcome(upload({ IfNoneMatch: '*' }))).toBe('ok')
    expect(await outcome(upload({ IfNoneMatch: '*' }))).toBe('412 PreconditionFailed')
    const { ETag, ContentLength, Metadata } = await client.send(new HeadObjectCommand({ Bucket, Key }))
    expect({ ETag, ContentLength, Metadata }).toMatchObject({
      ETag: expect.stringMatching(/^"[\da-f]{32}-2"$/),
      ContentLength: head.length + 4,
      Metadata: { tag: 'm' },
    })
    expect(await outcome(upload({ IfMatch: '"abc"' }))).toBe('412 PreconditionFailed')
    expect(await outcome(upload({ IfMatch: ETag }))).toBe('ok')
  })

  test('refuses a part that is too small and an upload that is unknown', async () => {
    expect(await outcome(upload({}, ['small', 'tail']))).toBe('400 EntityTooSmall')
    const unknown = { Bucket, Key, UploadId: 'unknown', PartNumber: 1, Body: '' }
    expect(await outcome(client.send(new UploadPartCommand(unknown)))).toBe('404 NoSuchUpload')
  })
})

describe('copy', () => {
  const copy = (more: object = {}) =>
    client.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/from%20x`, ...more }))

  test('carries metadata and honors conditions on source and destination', async () => {
    const { ETag } = await put('from x', 'content', { Metadata: { tag: 'abc' } })
    expect(await outcome(copy({ CopySourceIfMatch: '"abc"' }))).toBe('412 PreconditionFailed')
    expect(await outcome(copy({ CopySourceIfMatch: ETag, IfNoneMatch: '*' }))).toBe('ok')
    expect(await outcome(copy({ IfNoneMatch: '*' }))).toBe('412 PreconditionFailed')
    expect(await outcome(copy({ IfMatch: ETag }))).toBe('ok')
    const { Metadata } = await client.send(new HeadObjectCommand({ Bucket, Key: 'to' }))
    expect(Metadata).toEqual({ tag: 'abc' })
  })
})

describe('many objects', () => {
  test('are listed by prefix, delimiter and page, in the order of their bytes', async () => {
    for (const key of ['b', 'a/2', 'a/1', 'a/x/1', 'a/x/2', 'é']) await put(key, key)
    const list = (more: object) => client.send(new ListObjectsV2Command({ Bucket, ...more }))
    const grouped = await list({ Prefix: 'a/', Delimiter: '/' })
    expect(grouped.Contents?.map(({ Key }) => Key)).toEqual(['a/1', 'a/2'])
    expect(grouped.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['a/x/'])
    const keys: (string | undefined)[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await list({ MaxKeys: 2, ContinuationToken })
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key))
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
    expect(keys).toEqual(['a/1', 'a/2', 'a/x/1', 'a/x/2', 'b', 'é'])
  })

  test('are deleted together, each on its own condition', async () => {
    await put('a&b', '1')
    await put('c', '1')
    const Objects = [{ Key: 'a&b' }, { Key: 'c', ETag: '"abc"' }, { Key: 'gone' }]
    const result = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(result.Deleted?.map(({ Key }) => Key)).toEqual(['a&b', 'gone'])
    expect(result.Errors).toMatchObject([{ Key: 'c', Code: 'PreconditionFailed' }])
  })
})

describe('signatures', () => {
  test('a wrong secret, an unknown key and no signature are refused', async () => {
    const list = (settings: object) => makeClient(settings).send(new ListObjectsV2Command({ Bucket }))
    expect(await outcome(list({ secretAccessKey: 'wrong' }))).toBe('403 SignatureDoesNotMatch')
    expect(await outcome(list({ accessKeyId: 'unknown' }))).toBe('403 InvalidAccessKeyId')
    expect((await fetch(`${server.url}/${Bucket}`)).status).toBe(403)
  })

  test('a request from a clock that is an hour off is refused', async () => {
    await start({ now: () => Date.now() + 3_600_000 })
    expect(await outcome(put('a', '1'))).toBe('403 RequestTimeTooSkewed')
  })

  test('a body that was changed on the way is refused', async () => {
    const changing = makeClient()
    changing.middlewareStack.add(
      (next) => async (args) => {
        const { request } = args as { request: { body: unknown } }
        request.body = 'changed'
        return await next(args)
      },
      { step: 'finalizeRequest', priority: 'low' },
    )
    const sent = changing.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'content' }))
    expect(await outcome(sent)).toMatch(/^400 /)
  })
})

describe('hooks', () => {
  test.each([
    { status: 409, code: 'ConditionalRequestConflict' },
    { status: 503, code: 'SlowDown' },
  ])('can answer $code, and nothing is applied', async (injected) => {
    const seen: string[] = []
    await start({
      onRequest: ({ method, key }) => {
        seen.push(`${method} ${key}`)
        return seen.length === 1 ? injected : undefined
      },
    })
    expect(await outcome(put('a', '1', { IfNoneMatch: '*' }))).toBe(`${injected.status} ${injected.code}`)
    expect(await outcome(put('a', '2', { IfNoneMatch: '*' }))).toBe('ok')
    expect(seen).toEqual(['PUT a', 'PUT a'])
  })
})

describe('robustness', () => {
  test('the Date header tells the server clock', async () => {
    await start({ now: () => Date.parse('2031-02-03T04:05:06.789Z') })
    const { headers } = await fetch(server.url)
    expect(headers.get('date')).toBe('Mon, 03 Feb 2031 04:05:06 GMT')
  })

  test('a body beyond the limit is refused', async () => {
    await start({ maxBodyBytes: 1000 })
    expect(await outcome(put('a', 'x'.repeat(2000)))).toBe('400 EntityTooLarge')
  })

  test.each(['NOT HTTP\r\n\r\n', 'GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'])(
    'malformed input gets a 400: %j',
    async (input) => {
      const socket = connect(server.port, '127.0.0.1')
      socket.write(input)
      expect(await text(socket)).toMatch(/^HTTP\/1.1 400 /)
      expect(await outcome(put('a', '1'))).toBe('ok')
    },
  )
})
