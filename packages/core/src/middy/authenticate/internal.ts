import { builtin } from '../../lib/builtin.ts'
import { checkOptions, misuse, type Rule, textOrFunctionRule } from '../../lib/options.ts'
import { matches } from '../../lib/parse.ts'
import type { IncomingRequest } from '../../sessions/request.ts'
import { matchRoutes, patternsRule, type RouteMatch } from './routes.ts'

/** Routes for callers that are no users: other services, schedules. They need no session, and get none. */
export interface InternalOptions {
  /** Which routes. */
  readonly routes: readonly string[]
  /**
   * Accepts who signed the request by IAM, as the gateway has checked: `true` for every caller that IAM lets through, or a
   * list of ARNs, each whole or with `*` at its end.
   */
  readonly iam?: true | readonly string[]
  /** Accepts who sends this text in `header`: the text, or a function that gives it, called when it is first needed. */
  readonly secret?: string | (() => string | Promise<string>)
  /** The header of the secret. Default `x-internal-secret`. */
  readonly header?: string
}

/** Who may come in on internal routes. */
export interface Internal {
  readonly isRoute: RouteMatch
  /** Whether this caller may. */
  admits(request: IncomingRequest): boolean | Promise<boolean>
}

const iamRule: Rule = [
  'true, or a list of ARNs, each with "*" at its end or nowhere',
  (value) => value === true || (Array.isArray(value) && value.every((one) => matches(one, /^arn:[^*]+\*?$/))),
]
const RULES = {
  routes: patternsRule,
  iam: iamRule,
  secret: textOrFunctionRule,
  header: ['the name of a header, in small letters', (value: unknown) => matches(value, /^[a-z0-9-]{1,60}$/)] as const,
}

/** Compiles the options. Throws `TypeError` that names a wrong one. */
export function createInternal(options: InternalOptions | undefined): Internal | undefined {
  if (options === undefined) return undefined
  const where = 'authenticate: internal'
  const { routes, iam, secret, header = 'x-internal-secret' } = checkOptions(where, options, RULES, ['routes'])
  if (iam === undefined && secret === undefined) misuse(where, 'give "iam", "secret" or both')
  let known: Promise<Buffer> | undefined

  const digest = (): Promise<Buffer> => {
    known ??= (async () => {
      const text = typeof secret === 'function' ? await secret() : secret
      if (typeof text !== 'string' || text === '') throw new TypeError(`${where}: the secret is empty`)
      return digestOf(text)
    })()
    known.catch(() => {
      known = undefined
    })
    return known
  }

  const isSigned = ({ userArn }: IncomingRequest): boolean =>
    userArn !== undefined && (iam === true || iam?.some((one) => isArn(userArn, one)) === true)

  return {
    isRoute: matchRoutes(routes),
    admits(request) {
      if (isSigned(request)) return true
      const [sent, ...more] = request.headers(header)
      if (secret === undefined || sent === undefined || more.length > 0) return false
      // Digests have one length, and the comparison takes constant time.
      return digest().then((expected) => builtin('crypto').timingSafeEqual(expected, digestOf(sent)))
    },
  }
}

function isArn(arn: string, allowed: string): boolean {
  return allowed.endsWith('*') ? arn.startsWith(allowed.slice(0, -1)) : arn === allowed
}

function digestOf(text: string): Buffer {
  return builtin('crypto').createHash('sha256').update(text).digest()
}
