import { randomBytes } from 'node:crypto'
import type { ImitatedAnswer, Imitation, ImitationOptions } from '../issuers/imitation.ts'
import { startImitation } from '../issuers/imitation.ts'
import type { AwsErrorOptions } from './aws-json.ts'
import { type Signature, signatureOf } from './signature.ts'

/** A role that can be assumed. */
export interface StsRole {
  /** The external id that its trust policy demands. Default none. */
  readonly externalId?: string
  /** The longest session that it allows, in seconds. Default 3,600. */
  readonly maxDuration?: number
}

/** What {@link startSts} takes. */
export interface StsOptions extends ImitationOptions {
  /** The roles by ARN. Default: every role may be assumed. */
  readonly roles?: { readonly [arn: string]: StsRole }
}

/** A running STS. `requests` counts AssumeRole. */
export interface Sts extends Imitation {
  /** Until when the credentials of this access key work, in ms since 1970; `undefined` when STS never issued it. */
  expiryOf(accessKeyId: string): number | undefined
}

interface Session {
  readonly arn: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiresAt: number
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, in seconds. */
const DURATION = { least: 900, most: 43_200, usual: 3_600 }
const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'
const HEADERS = { 'content-type': 'text/xml' }

/**
 * Starts an imitation of STS: AssumeRole, whose credentials age, and GetCallerIdentity, which tells whom an access key
 * belongs to and refuses one that has expired. AssumeRole takes any signature; what is signed with the credentials that
 * it gave is verified.
 *
 * @example
 * const sts = await startSts({ roles: { [roleArn]: { externalId: 'partner' } } })
 */
export async function startSts(options: StsOptions = {}): Promise<Sts> {
  const sessions = new Map<string, Session>()

  const assumeRole = (input: URLSearchParams, now: number): ImitatedAnswer => {
    const arn = input.get('RoleArn') ?? ''
    const role: StsRole | undefined = options.roles === undefined ? {} : options.roles[arn]
    const name = input.get('RoleSessionName') ?? ''
    const seconds = Number(input.get('DurationSeconds') ?? DURATION.usual)
    if (!/^[\w+=,.@-]{2,64}$/.test(name) || !(seconds >= DURATION.least && seconds <= DURATION.most))
      return stsError('ValidationError')
    if (role === undefined || (role.externalId !== undefined && role.externalId !== input.get('ExternalId')))
      return stsError('AccessDenied', { status: 403 })
    if (seconds > (role.maxDuration ?? DURATION.usual)) return stsError('ValidationError')
    const accessKeyId = `ASIA${randomBytes(8).toString('hex').toUpperCase()}`
    // As AWS shows it: without fractions of a second.
    const expiresAt = Math.floor(now / 1_000 + seconds) * 1_000
    const assumed = `${arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/${name}`
    const secretAccessKey = randomBytes(30).toString('base64')
    const sessionToken = randomBytes(300).toString('base64')
    sessions.set(accessKeyId, { arn: assumed, secretAccessKey, sessionToken, expiresAt })
    return answer('AssumeRole', [
      `<AssumedRoleUser><Arn>${assumed}</Arn><AssumedRoleId>AROALOCAL:${name}</AssumedRoleId></AssumedRoleUser>`,
      `<Credentials><AccessKeyId>${accessKeyId}</AccessKeyId>`,
      `<SecretAccessKey>${secretAccessKey}</SecretAccessKey>`,
      `<SessionToken>${sessionToken}</SessionToken>`,
      `<Expiration>${new Date(expiresAt).toISOString().replace('.000', '')}</Expiration></Credentials>`,
    ])
  }

  const callerIdentity = (signature: Signature, now: number): ImitatedAnswer => {
    const session = sessions.get(signature.accessKeyId)
    if (session === undefined || session.sessionToken !== signature.sessionToken)
      return stsError('InvalidClientTokenId', { status: 403 })
    if (!signature.madeWith(session.secretAccessKey)) return stsError('SignatureDoesNotMatch', { status: 403 })
    if (now >= session.expiresAt) return stsError('ExpiredToken', { status: 403 })
    return answer('GetCallerIdentity', [
      `<Arn>${session.arn}</Arn><UserId>AROALOCAL</UserId><Account>${session.arn.split(':')[4]}</Account>`,
    ])
  }

  const service = await startImitation(
    options,
    ({ body }) => new URLSearchParams(body).get('Action') === 'AssumeRole',
    (request, now) => {
      const input = new URLSearchParams(request.body)
      const signature = signatureOf(request)
      if (signature === undefined) return stsError('MissingAuthenticationToken', { status: 403 })
      if (input.get('Action') === 'AssumeRole') return assumeRole(input, now)
      if (input.get('Action') === 'GetCallerIdentity') return callerIdentity(signature, now)
      return stsError('InvalidAction')
    },
  )
  return Object.assign(service, {
    expiryOf: (accessKeyId: string) => sessions.get(accessKeyId)?.expiresAt,
  })
}

/**
 * An error as STS answers it, for `failNext`.
 *
 * @example
 * sts.failNext(stsError('Throttling'), 3)
 */
export function stsError(code: string, { status = 400, message = code }: AwsErrorOptions = {}): ImitatedAnswer {
  return {
    status,
    headers: HEADERS,
    body:
      `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code>` +
      `<Message>${message}</Message></Error><RequestId>local</RequestId></ErrorResponse>`,
  }
}

function answer(action: string, result: readonly string[]): ImitatedAnswer {
  return {
    headers: HEADERS,
    body:
      `<${action}Response xmlns="${NAMESPACE}"><${action}Result>${result.join('')}</${action}Result>` +
      `<ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></${action}Response>`,
  }
}
