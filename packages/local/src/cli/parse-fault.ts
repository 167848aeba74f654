import type { Chance, Fault, FaultMoment } from '../faults/fault.ts'
import { UsageError } from './usage-error.ts'

/** Reads `KIND:MOMENT:PROBABILITY[:VALUE]`, e.g. `reset:after:0.05`, `status:before:0.1:503`, `latency:after:0.5:200`. */
export function parseFault(text: string): Chance {
  const [kind = '', moment = '', share = '', value, ...rest] = text.split(':')
  const probability = Number(share)
  if (rest.length > 0 || share === '' || !(probability >= 0 && probability <= 1)) throw refusal(text)
  if (moment !== 'before' && moment !== 'after') throw refusal(text)
  return { fault: faultOf(text, { kind, when: moment, value }), probability }
}

interface Parts {
  readonly kind: string
  readonly when: FaultMoment
  readonly value: string | undefined
}

function faultOf(text: string, { kind, when, value }: Parts): Fault {
  switch (kind) {
    case 'reset':
    case 'hang':
    case 'truncate':
    case 'duplicate':
      if (value !== undefined) throw refusal(text)
      return { kind, when }
    case 'status':
      return { kind, when, status: wholeNumber(text, value, { min: 200, max: 599 }) }
    case 'latency':
      return { kind, when, ms: wholeNumber(text, value, { min: 0, max: 600_000 }) }
    default:
      throw refusal(text)
  }
}

function wholeNumber(text: string, value = '', range: { readonly min: number; readonly max: number }): number {
  if (!/^\d+$/.test(value) || Number(value) < range.min || Number(value) > range.max) throw refusal(text)
  return Number(value)
}

function refusal(text: string): UsageError {
  return new UsageError(
    `--fault ${JSON.stringify(text)} is not KIND:before|after:PROBABILITY, with KIND one of reset, hang, truncate, ` +
      'duplicate, status (add :STATUS, 200 to 599) or latency (add :MILLISECONDS)',
  )
}
