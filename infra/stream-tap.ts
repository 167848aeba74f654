import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ReadStream, StreamRecord } from './live-tables.ts'

/**
 * Stands before a database without streams, and sees the writes of a table that are announced: for machines that have no
 * program with real streams.
 */
export async function startTap(
  target: string,
  table: string,
): Promise<{ url: string; read: ReadStream; close(): Promise<void> }> {
  let seen: StreamRecord[] = []
  let sequence = 0
  const server = createServer(async (request, response) => {
    try {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const body = Buffer.concat(chunks)
      const headers = Object.entries(request.headers).filter(
        ([name]) => !/^(host|connection|content-length)$/.test(name),
      )
      const answer = await fetch(target, {
        method: 'POST',
        body,
        headers: headers.map(([name, value]) => [name, String(value)] as [string, string]),
      })
      const text = Buffer.from(await answer.arrayBuffer())
      const announced = answer.ok && announcedBy(request.headers['x-amz-target'], body, table)
      if (announced) {
        sequence += 1
        seen.push({
          eventName: 'MODIFY',
          dynamodb: { SequenceNumber: String(sequence), NewImage: { live: { S: announced } } },
        })
      }
      const date = answer.headers.get('date')
      response.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') ?? 'application/json',
        ...(date !== null && { date }),
      })
      response.end(text)
    } catch {
      response.destroy()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async read() {
      const records = seen
      seen = []
      return records
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function announcedBy(target: string | string[] | undefined, body: Buffer, table: string): string | undefined {
  if (target !== 'DynamoDB_20120810.UpdateItem') return undefined
  const { TableName, ExpressionAttributeValues } = JSON.parse(body.toString()) as {
    TableName: string
    ExpressionAttributeValues?: Readonly<Record<string, { readonly S?: string }>>
  }
  return TableName === table ? ExpressionAttributeValues?.[':live']?.S : undefined
}
