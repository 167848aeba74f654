import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Program } from '../stores/fleet/program.ts'
import { CRASHES, type Line, type Message, type Orders, PAUSES, type Told } from './protocol.ts'

/** Worker threads that keep tokens warm, each with an engine and a client of its own. */
export interface Fleet {
  /** What the workers told so far. */
  readonly told: Readonly<Record<Told, number>>
  /** How many workers were ended in the middle of a fetch. Each was replaced. */
  crashes(): number
  /** Ends the work and resolves to all lines, also of those that crashed. */
  stop(): Promise<readonly Line[]>
}

/** What a worker runs. */
export const WORKER: string = fileURLToPath(new URL('./worker.ts', import.meta.url))
/** How often holders may crash and pause in a run. */
const PERMITS = { crashes: 12, pauses: 60 }

/** Starts a fleet; resolves when all have been told to begin. `folder` is where the lines go. */
export async function startFleet(
  program: Program,
  size: number,
  { folder, ...orders }: Omit<Orders, 'file' | 'permits'> & { readonly folder: string },
): Promise<Fleet> {
  const permits = new Int32Array(new SharedArrayBuffer(8))
  permits[CRASHES] = PERMITS.crashes
  permits[PAUSES] = PERMITS.pauses
  const told: Record<Told, number> = {
    acquired: 0,
    adopted: 0,
    'taken over': 0,
    published: 0,
    fenced: 0,
    alone: 0,
    'failed fetch': 0,
    paused: 0,
  }
  const files: string[] = []
  const living = new Map<Worker, Promise<void>>()
  let crashes = 0
  let isStopping = false
  let broken: unknown
  const waiting: Worker[] = []
  const all = Promise.withResolvers<void>()

  const begin = (): void => {
    const file = join(folder, `${files.length}.jsonl`)
    const workerData: Orders = { ...orders, permits, file, seed: orders.seed + files.length }
    files.push(file)
    const worker = new Worker(program.file, { workerData })
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    living.set(worker, ended)
    worker.once('error', (error) => {
      broken ??= error
      all.reject(error)
    })
    worker.on('message', (message: Message) => {
      if (message.type === 'told') told[message.what] += 1
      if (message.type === 'done') worker.terminate()
      // A replacement begins at once.
      if (message.type === 'ready' && waiting.length >= size) worker.postMessage('begin')
      else if (message.type === 'ready' && waiting.push(worker) === size) all.resolve()
      if (message.type !== 'crash') return
      crashes += 1
      living.delete(worker)
      worker.terminate()
      if (!isStopping) begin()
    })
  }
  for (let index = 0; index < size; index += 1) begin()
  await all.promise
  for (const worker of waiting) worker.postMessage('begin')

  return {
    told,
    crashes: () => crashes,
    async stop() {
      isStopping = true
      for (const worker of living.keys()) worker.postMessage('stop')
      await Promise.all(living.values())
      if (broken !== undefined) throw broken
      return files.flatMap(readLines)
    },
  }
}

function readLines(file: string): readonly Line[] {
  const text = readFileSync(file, { encoding: 'utf8', flag: 'a+' })
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]))
}
