import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes the folder of one local run. It holds all that the run writes, and goes with the process, however that ends. */
export function makeRunFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'warmtoken-offline-'))
  // On exit and not at the end of a command: an error or a signal halfway through the start must not leave it either.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  sweepAfter(folder)
  return folder
}

/**
 * Sees to SIGKILL, which runs no exit handler: a shell in a session of its own reads from a pipe that ends when this
 * process does. Where there is no shell, a killed run leaves its folder to the system's own cleaning.
 */
function sweepAfter(folder: string): void {
  const cleaner = spawn('sh', ['-c', 'cat > /dev/null; rm -rf -- "$1"', 'cleaner', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  cleaner.on('error', () => {})
  cleaner.unref()
  if ('unref' in cleaner.stdin && typeof cleaner.stdin.unref === 'function') cleaner.stdin.unref()
}
