import { readFile } from 'node:fs/promises'
import { asFields, parseJson } from '@warmtoken/core/adapter'
import { OperatorError } from '../exit.ts'

/** After so many days prices may have changed. */
const MAX_AGE = 180
const DAY = 86_400_000
const NAMES = ['dynamodbReadUnit', 'dynamodbWriteUnit', 's3Get', 's3Put', 'upstashCommand'] as const
/** What live events need besides; a file may lack them as long as nobody plans those. */
type LiveName =
  | 'webSocketMessage'
  | 'webSocketMinute'
  | 'appSyncOperation'
  | 'appSyncMinute'
  | 'lambdaGbSecond'
  | 'lambdaRequest'

/** What requests cost, and since when that is known. */
export interface Prices {
  /** The day on which they were looked up, as `2026-11-29`. */
  readonly day: string
  /** The AWS region. */
  readonly region: string
  /** In US dollars. */
  readonly dollarsPerMillion: { readonly [name in (typeof NAMES)[number]]: number } & {
    readonly [name in LiveName]?: number
  }
}

/** Reads a file of prices; default the one of this package. Throws for one that lacks a price, by its name. */
export async function readPrices(file: string | URL = new URL('../../prices.json', import.meta.url)): Promise<Prices> {
  const fields = asFields(parseJson(await readFile(file, 'utf8')))
  const { day, region } = fields ?? {}
  const given = asFields(fields?.['dollarsPerMillion']) ?? {}
  const wrong = NAMES.filter((name) => !(Number.isFinite(given[name]) && Number(given[name]) >= 0))
  if (typeof day !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(day) || Number.isNaN(Date.parse(day)))
    throw new OperatorError('the file of prices must have a "day", such as "2026-11-29"')
  if (typeof region !== 'string') throw new OperatorError('the file of prices must have a "region"')
  if (wrong.length > 0)
    throw new OperatorError(`the file of prices lacks "dollarsPerMillion.${wrong[0]}", a number of US dollars`)
  return { day, region, dollarsPerMillion: given as unknown as Prices['dollarsPerMillion'] }
}

/** The stores that have a price per request. */
export type Backend = 'DynamoDB' | 'S3' | 'Upstash'

/** DynamoDB bills a write unit for each KB of an item. A record with a token of usual length has up to two. */
const WRITE_UNITS = 2

/** What one read and one write of a record of up to 2 KB cost, in US dollars. */
export function requestPrices({ dollarsPerMillion: price }: Prices): {
  readonly [name in Backend]: { readonly read: number; readonly write: number }
} {
  const million = 1e6
  return {
    // A strong read of up to 4 KB is one unit.
    DynamoDB: { read: price.dynamodbReadUnit / million, write: (WRITE_UNITS * price.dynamodbWriteUnit) / million },
    S3: { read: price.s3Get / million, write: price.s3Put / million },
    // One script each.
    Upstash: { read: price.upstashCommand / million, write: price.upstashCommand / million },
  }
}

/** How old prices are, in words; `undefined` while they are young enough. `now`: in ms since 1970. */
export function ageWarning({ day }: Prices, now: number): string | undefined {
  const age = Math.floor((now - Date.parse(day)) / DAY)
  return age > MAX_AGE ? `The prices are ${age} days old; look them up and use --prices <file>.` : undefined
}
