// Fetches its token while it is being initialized, as one does with provisioned concurrency.
import { api, tokens } from './patient.ts'

await tokens.prewarm({ api })

export { handler } from './patient.ts'
