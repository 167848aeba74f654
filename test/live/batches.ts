import { printEvent } from '@warmtoken/core/live'

/** One record of a table's stream that announces the version `n`. */
export interface BatchRecord {
  readonly eventName: string
  readonly eventSourceARN: string
  readonly dynamodb: { readonly SequenceNumber: string; readonly NewImage: object }
}

/** Records as Lambda hands them to a function. `live`: the announcement; default one of the version `n`. */
export function record(
  n: number,
  live: string | undefined = printEvent({ topic: 'tag:posts', key: `post-${n}`, version: n, kind: 'publish', at: 0 }),
): BatchRecord {
  return {
    eventName: 'MODIFY',
    eventSourceARN: 'arn:aws:dynamodb:us-east-1:1:table/live/stream/2026',
    dynamodb: {
      SequenceNumber: String(n),
      NewImage: { pk: { S: 'x' }, ...(live !== undefined && { live: { S: live } }) },
    },
  }
}

/** The records of the versions from `from` to `to`. */
export function batch(from: number, to: number): readonly BatchRecord[] {
  return Array.from({ length: to - from + 1 }, (_, index) => record(from + index))
}

/** The numbers from `from` to `to`. */
export function numbers(from: number, to: number): readonly number[] {
  return batch(from, to).map(({ dynamodb }) => Number(dynamodb.SequenceNumber))
}
