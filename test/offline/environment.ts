// One execution environment: a process that loads the example's handler from its bundle and calls it when told to.
import { once } from 'node:events'

const { handler } = await import(process.argv[2] ?? '')

process.on('message', async () => {
  const answer = await handler({}, { getRemainingTimeInMillis: () => 15_000 })
  process.send?.({ status: answer.statusCode, ...JSON.parse(answer.body) })
})
process.send?.('ready')
await once(process, 'disconnect')
