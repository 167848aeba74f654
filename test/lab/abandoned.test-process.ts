// Starts a lab, says what runs where, and waits to be killed.
import { fileURLToPath } from 'node:url'
import { bundle } from '@warmtoken/infra/bundle'
import { startLab } from './lab.ts'

const { files } = await bundle(fileURLToPath(new URL('../..', import.meta.url)), ['test/lab/functions/plain.ts'])
const one = (await startLab({ bundle: files, handler: 'test/lab/functions/plain.handler' })).environment()
await one.invoke()
process.send?.({ pid: one.pid, temporary: one.temporary })
setInterval(() => {}, 60_000)
