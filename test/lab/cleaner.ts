import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The folder of one lab, and who is running in it. */
export interface LabFolder {
  readonly path: string
  /** Notes a process, so that it is ended should this one be killed: a frozen one would otherwise stand there forever. */
  note(pid: number): void
  /** It has ended. */
  strike(pid: number): void
  /** Removes the folder and all that is in it. */
  remove(): void
}

// Reads from a pipe that ends when the lab does, however that ends. Then it ends what is noted, and removes the folder.
const SWEEP = 'cat > /dev/null; for p in "$1"/.running/*; do kill -9 "$(basename "$p")"; done; rm -rf -- "$1"'

/** Makes the folder, and a cleaner for a lab that was killed. */
export function makeLabFolder(): LabFolder {
  const path = mkdtempSync(join(tmpdir(), 'warmtoken-lab-'))
  const running = join(path, '.running')
  mkdirSync(running)
  // A session of its own: what ends the lab by a signal to its group must not end the cleaner.
  const cleaner = spawn('sh', ['-c', SWEEP, 'cleaner', path], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  cleaner.on('error', () => {})
  cleaner.unref()
  if ('unref' in cleaner.stdin && typeof cleaner.stdin.unref === 'function') cleaner.stdin.unref()
  return {
    path,
    note: (pid) => writeFileSync(join(running, String(pid)), ''),
    strike: (pid) => rmSync(join(running, String(pid)), { force: true }),
    remove() {
      rmSync(path, { recursive: true, force: true, maxRetries: 3 })
      cleaner.stdin.end()
    },
  }
}
