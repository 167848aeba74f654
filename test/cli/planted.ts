/** A DynamoDB in which faults can be planted that the local one does not have. @module */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What DynamoDB states about a table, and how it behaves. */
export interface Planted {
  timeToLive: string | undefined
  backups: boolean
  /** Operations that are denied. */
  denied: readonly string[]
  /** How far the `Date` header is off, in ms. */
  clock: number
  /** How many writes came. */
  writes: number
  /** Later writes than so many wait until the promise resolves. */
  held: { readonly after: number; readonly until: Promise<void> } | undefined
  /** The other regions of the table. */
  replicas: readonly string[]
}

/** The proxy, and what it plants. */
export interface PlantedServer {
  readonly url: string
  readonly planted: Planted
  close(): Promise<void>
}

/** What a healthy table states. */
export const HEALTHY: Readonly<Planted> = {
  timeToLive: 'keepUntil',
  backups: false,
  denied: [],
  clock: 0,
  writes: 0,
  held: undefined,
  replicas: [],
}

/** Starts a proxy before a local DynamoDB. Everything that is not planted is answered by the real server behind it. */
export async function startPlanted(target: string): Promise<PlantedServer> {
  const planted: Planted = { ...HEALTHY }
  const server = createServer((request, response) => void answer(request, response, { target, planted }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    planted,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Setting {
  readonly target: string
  readonly planted: Planted
}

async function answer(request: IncomingMessage, response: ServerResponse, { target, planted }: Setting): Promise<void> {
  const operation = String(request.headers['x-amz-target']).split('.')[1] ?? ''
  const body = await text(request)
  if (operation === 'UpdateItem') planted.writes += 1
  if (operation === 'UpdateItem' && planted.held !== undefined && planted.writes > planted.held.after)
    await planted.held.until
  response.setHeader('date', new Date(Date.now() + planted.clock).toUTCString())
  response.setHeader('content-type', 'application/x-amz-json-1.0')
  const statement = stated(operation, planted)
  if (planted.denied.includes(operation)) {
    response
      .writeHead(400)
      .end(JSON.stringify({ __type: 'com.amazon.coral.service#AccessDeniedException', message: 'no' }))
    return
  }
  if (statement !== undefined) {
    response.end(statement)
    return
  }
  const { host: _host, 'content-length': _length, connection: _connection, ...headers } = request.headers
  const real = await fetch(target, { method: 'POST', headers: headers as Record<string, string>, body })
  const answered = await real.text()
  response.writeHead(real.status).end(operation === 'DescribeTable' ? withReplicas(answered, planted) : answered)
}

function withReplicas(answer: string, { replicas }: Planted): string {
  const { Table, ...others } = JSON.parse(answer) as { readonly Table?: object }
  if (Table === undefined) return answer
  const Replicas = replicas.map((RegionName) => ({ RegionName, ReplicaStatus: 'ACTIVE' }))
  return JSON.stringify({ ...others, Table: { ...Table, Replicas } })
}

function stated(operation: string, { timeToLive, backups }: Planted): string | undefined {
  if (operation === 'DescribeTimeToLive') {
    const description =
      timeToLive === undefined
        ? { TimeToLiveStatus: 'DISABLED' }
        : { TimeToLiveStatus: 'ENABLED', AttributeName: timeToLive }
    return JSON.stringify({ TimeToLiveDescription: description })
  }
  if (operation !== 'DescribeContinuousBackups') return undefined
  const PointInTimeRecoveryStatus = backups ? 'ENABLED' : 'DISABLED'
  return JSON.stringify({
    ContinuousBackupsDescription: {
      ContinuousBackupsStatus: 'ENABLED',
      PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus },
    },
  })
}
