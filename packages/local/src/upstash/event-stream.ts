import type { ServerResponse } from 'node:http'
import type { RedisBackend } from './redis-backend.ts'

/** Sends the messages of a channel as server-sent events until the client goes away. */
export async function streamMessages(
  response: ServerResponse,
  { backend, channel }: { readonly backend: RedisBackend; readonly channel: Buffer },
): Promise<void> {
  let began = false
  const early: string[] = []
  const send = (data: string): void => {
    // A line break would end the event's line; the client sees each line as data of its own.
    const event = `${data.replace(/\r\n|\r|\n/g, '\ndata: ')}\n\n`
    if (began) response.write(`data: ${event}`)
    else early.push(event)
  }
  const name = channel.toString()
  const unsubscribe = await backend.subscribe(channel, (payload) => send(`message,${name},${payload.toString()}`))
  response.on('close', unsubscribe)
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  began = true
  send(`subscribe,${name},1`)
  for (const event of early) response.write(`data: ${event}`)
  if (response.destroyed) unsubscribe()
}
