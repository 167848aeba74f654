// Nothing of warmtoken: shows that the lab does what Lambda does.
import { existsSync, writeFileSync } from 'node:fs'
import { isMainThread, threadId } from 'node:worker_threads'

/** What it is told to do. */
interface Event {
  readonly do?: 'throw' | 'exit' | 'hang' | 'clock' | 'leave a file' | 'leave work'
}

let invocations = 0

process.on('SIGTERM', () => {
  writeFileSync(`${process.env['TMPDIR']}/sigterm`, '')
  process.exit(0)
})

const deeds: Readonly<Record<NonNullable<Event['do']>, () => unknown>> = {
  throw() {
    throw new RangeError('as told')
  },
  exit: () => process.exit(3),
  hang: () => new Promise(() => setInterval(() => {}, 1_000)),
  clock: () => ({ now: Date.now(), made: new Date().toISOString(), given: new Date(7).toISOString() }),
  'leave a file': () => writeFileSync(`${process.env['TMPDIR']}/left`, ''),
  'leave work': () => void setInterval(() => {}, 1),
}

export async function handler(
  event: Event,
  context: { getRemainingTimeInMillis(): number; awsRequestId: string },
): Promise<unknown> {
  invocations += 1
  const done = event.do === undefined ? undefined : await deeds[event.do]()
  return {
    invocations,
    done,
    left: existsSync(`${process.env['TMPDIR']}/left`),
    remaining: context.getRemainingTimeInMillis(),
    requestId: context.awsRequestId,
    initialization: process.env['AWS_LAMBDA_INITIALIZATION_TYPE'],
    thread: isMainThread ? 0 : threadId,
    directory: process.cwd(),
  }
}
