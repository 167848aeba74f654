import { run } from './program.ts'

// On workerd: settings as the body of a request, the outcome as its answer.
export default {
  async fetch(request: Request): Promise<Response> {
    try {
      return Response.json(await run(JSON.parse(await request.text())))
    } catch (error) {
      return Response.json({ error: error instanceof Error ? error.message : 'unknown' })
    }
  },
}
