// A local S3 in a thread of its own, so that its work is not counted as that of a caller: near, and behind a network.
import { parentPort } from 'node:worker_threads'
import { startFaultProxy, startS3 } from '@warmtoken/local'
import { BUCKET, FIRST_BYTE } from './bodies.ts'

const s3 = await startS3({ buckets: [BUCKET] })
const proxy = await startFaultProxy({ target: s3.url })
proxy.rules.push(() => ({ kind: 'latency', when: 'before', ms: FIRST_BYTE }))
parentPort?.postMessage({ near: s3.url, far: proxy.url })
