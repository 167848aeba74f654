import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** How {@link startFunctionUrl} is set up. */
export interface FunctionUrlOptions {
  /** The bundle, whose `handler` streams its answer. */
  readonly file: string
  readonly port: number
  readonly env: Readonly<Record<string, string>>
}

/** Serves a function whose URL streams, in a thread of its own with the function's environment. */
export async function startFunctionUrl({ file, port, env }: FunctionUrlOptions): Promise<{ close(): Promise<void> }> {
  const path = { PATH: process.env['PATH'] ?? '' }
  const worker = new Worker(new URL('./function-url-worker.ts', import.meta.url), {
    env: { ...path, ...env },
    workerData: { file, port },
  })
  worker.unref()
  await Promise.race([
    once(worker, 'message'),
    once(worker, 'error').then(([error]) => {
      throw error
    }),
  ])
  return {
    async close() {
      await worker.terminate()
    },
  }
}
