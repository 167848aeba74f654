// A request to DynamoDB, signed by hand: the least that a store can need. AWS Signature Version 4, for one fixed path.

/** Where the record is. Read from the environment, as a function would. */
export interface Place {
  readonly endpoint: string
  readonly table: string
  readonly key: string
}

/** A request, ready to be sent. */
export interface Signed {
  readonly url: URL
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

const REGION = 'eu-central-1'

/** What the processes of this benchmark are told. */
export function place(): Place {
  const { BENCH_ENDPOINT = '', BENCH_TABLE = '', BENCH_KEY = '' } = process.env
  return { endpoint: BENCH_ENDPOINT, table: BENCH_TABLE, key: BENCH_KEY }
}

/** Credentials that the stand-in takes. */
export const credentials = { accessKeyId: 'local', secretAccessKey: 'local' } as const
/** The region that is signed for. */
export const region: string = REGION

/** Signs a strong read of the record. */
export function signedRead({ endpoint, table, key }: Place): Signed {
  const { createHash, createHmac } = process.getBuiltinModule('node:crypto')
  const sha = (text: string): string => createHash('sha256').update(text).digest('hex')
  const mac = (secret: string | Buffer, text: string): Buffer => createHmac('sha256', secret).update(text).digest()
  const url = new URL(endpoint)
  const body = JSON.stringify({ TableName: table, Key: { pk: { S: key } }, ConsistentRead: true })
  const date = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '')
  const signed: { readonly [name: string]: string } = {
    'content-type': 'application/x-amz-json-1.0',
    host: url.host,
    'x-amz-date': date,
    'x-amz-target': 'DynamoDB_20120810.GetItem',
  }
  const names = Object.keys(signed).join(';')
  const lines = Object.entries(signed).map(([name, value]) => `${name}:${value}\n`)
  const scope = `${date.slice(0, 8)}/${REGION}/dynamodb/aws4_request`
  const canonical = ['POST', '/', '', lines.join(''), names, sha(body)].join('\n')
  const text = ['AWS4-HMAC-SHA256', date, scope, sha(canonical)].join('\n')
  const secret = [date.slice(0, 8), REGION, 'dynamodb', 'aws4_request'].reduce<string | Buffer>(
    mac,
    `AWS4${credentials.secretAccessKey}`,
  )
  const signature = mac(secret, text).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  return { url, body, headers: { ...signed, authorization } }
}

/** The token in a record, as the toolkit writes it, without its checks. */
export function tokenIn(answer: string): string {
  const item = (JSON.parse(answer) as { Item?: { body?: { S?: string } } }).Item
  return textOf(JSON.parse(item?.body?.S ?? 'null'))
}

/** Finds the token of this benchmark wherever the record keeps it. */
function textOf(record: unknown): string {
  return /token-of-this-benchmark-x+/.exec(JSON.stringify(record))?.[0] ?? ''
}

/** Sends it by `node:https` and resolves to the answer's text. */
export function sendByHttps({ url, headers, body }: Signed): Promise<string> {
  return new Promise((resolve, reject) => {
    const { request } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http')
    const sent = request(url, { method: 'POST', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
