import type { ImitatedAnswer, ImitatedRequest } from './imitation.ts'
import type { SameTokens } from './same-token.ts'

/** An answer of the platform: a `code` other than 0 is an error. */
export function answer(code: number, msg: string, more: object = {}, status = 200): ImitatedAnswer {
  return {
    status,
    body: { code, msg, ...more },
  }
}

/** The API of the imitation, which takes or refuses tokens. */
export interface FeishuApi {
  readonly calls: number
  answer(request: ImitatedRequest, now: number): ImitatedAnswer
  refuse(token: string): void
  answerNext(code: number, times?: number): void
}

/** An API that refuses a token by a code in the body, with a status of one's choice. */
export function createFeishuApi(tokens: SameTokens, refusalStatus: number): FeishuApi {
  const refused = new Set<string>()
  const planned: number[] = []
  let calls = 0
  const judge = (authorization: string | undefined, now: number): number => {
    // Without the word in front the platform sees no token at all.
    const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1]
    if (token === undefined) return 99991661
    if (!/^[atu]-/.test(token)) return 99991671
    const found = refused.has(token) ? undefined : tokens.find(token, now)
    if (found === 'expired') return 99991677
    if (found === undefined) return token.startsWith('a-') ? 99991664 : 99991663
    return 0
  }
  return {
    get calls() {
      return calls
    },
    answer({ headers }, now) {
      calls += 1
      const code = planned.shift() ?? judge(headers.authorization, now)
      if (code !== 0) return answer(code, 'refused', { error: { log_id: `local-${calls}` } }, refusalStatus)
      return answer(0, 'success', { data: { has_more: false, items: [{ name: 'Ada Lovelace' }] } })
    },
    refuse(token) {
      refused.add(token)
    },
    answerNext(code, times = 1) {
      for (let i = 0; i < times; i += 1) planned.push(code)
    },
  }
}
