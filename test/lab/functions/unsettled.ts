// What not to do on Lambda: refreshes run in the background, and nobody waits for them.
import { type Answer, callApi, makeTokens, useApi } from './tokens.ts'

const api = useApi(makeTokens({ background: true }))

export async function handler(): Promise<Answer> {
  return callApi(api, await api.get())
}
