import { InvalidArgumentError } from 'commander'
import type { Chance, Fault, FaultMoment } from '../faults/fault.ts'

/** Gathers the faults of an option that may be repeated. */
export function collectFaults(text: string, earlier: readonly Chance[] = []): readonly Chance[] {
  return [...earlier, parseFault(text)]
}

/** Reads `KIND:MOMENT:PROBABILITY[:VALUE]`, e.g. `reset:after:0.05`, `status:before:0.1:503`, `latency:after:0.5:200`. */
export function parseFault(text: string): Chance {
  const [kind = '', moment = '', share = '', value, ...rest] = text.split(':')
  const probability = Number(share)
  if (rest.length > 0 || share === '' || !(probability >= 0 && probability <= 1)) throw refusal()
  if (moment !== 'before' && moment !== 'after') throw refusal()
  return { fault: faultOf({ kind, when: moment, value }), probability }
}

interface Parts {
  readonly kind: string
  readonly when: FaultMoment
  readonly value: string | undefined
}

function faultOf({ kind, when, value }: Parts): Fault {
  switch (kind) {
    case 'reset':
    case 'hang':
    case 'truncate':
    case 'duplicate':
      if (value !== undefined) throw refusal()
      return { kind, when }
    case 'status':
      return { kind, when, status: wholeNumber(value, { min: 200, max: 599 }) }
    case 'latency':
      return { kind, when, ms: wholeNumber(value, { min: 0, max: 600_000 }) }
    default:
      throw refusal()
  }
}

function wholeNumber(value = '', range: { readonly min: number; readonly max: number }): number {
  if (!/^\d+$/.test(value) || Number(value) < range.min || Number(value) > range.max) throw refusal()
  return Number(value)
}

function refusal(): InvalidArgumentError {
  return new InvalidArgumentError(
    'It must be KIND:before|after:PROBABILITY, with KIND one of reset, hang, truncate, duplicate, status ' +
      '(add :STATUS, 200 to 599) or latency (add :MILLISECONDS).',
  )
}
