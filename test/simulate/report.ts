import type { Violation } from '@warmtoken/core/simulator'
import { DATA_MUTANTS } from '../mutation/data-mutants.ts'
import { EXCLUSIVE_MUTANTS, MUTANTS } from '../mutation/mutants.ts'

/** What one worker reports. */
export interface Part {
  readonly runs: number
  readonly events: number
  readonly calls: number
  readonly issuerCalls: number
  readonly seen: readonly (readonly [string, number])[]
  readonly failures: readonly {
    readonly seed: number
    readonly trouble: string
    readonly violations: readonly Violation[]
  }[]
}

/** What must have been seen at least once: a promise that was never in danger has not been shown to hold. */
export const REQUIRED: readonly string[] = [
  'adopted',
  'alone',
  'asked once more',
  'clean-up',
  'clock step',
  'cool-down',
  'crash',
  'duplicate',
  'fenced',
  'freeze',
  'late write',
  'lost reply',
  'lost request',
  'own tag recognized',
  'publish',
  'refused value given again',
  'refused value replaced',
  'rejected',
  'slow',
  'stale read',
  'stale served',
  'take-over',
  'throttled',
]

/** The same of the simulation of data. */
export const REQUIRED_OF_DATA: readonly string[] = [
  'alone',
  'batch',
  'body damaged',
  'body lost',
  'body served',
  'body written',
  'body-unread',
  'clean-up',
  'clock step',
  'control',
  'control failed',
  'control of another',
  'crash',
  'delete',
  'delete failed',
  'duplicate',
  'fenced',
  'flood',
  'freeze',
  'generation lost',
  'get failed',
  'invalidation',
  'invalidation failed',
  'late write',
  'long idle',
  'lost reply',
  'lost request',
  'many loaded',
  'none served',
  'number after deletion',
  'old value unchecked',
  'old value within the bound',
  'open failed',
  'own tag recognized',
  'patterns full',
  'publish',
  'recheck',
  'recheck dropped',
  'seal failed',
  'set',
  'set failed',
  'shared',
  'slow',
  'soft invalidation',
  'stale served',
  'throttled',
  'touch',
  'update',
  'update failed',
  'update of nothing',
]

function sum(parts: readonly Part[], of: (part: Part) => number): number {
  return parts.reduce((total, part) => total + of(part), 0)
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

/** The result as text for a terminal and as a page for the docs. */
export function describeSummary(
  parts: readonly Part[],
  seconds: number,
  { seed, data }: { readonly seed: number; readonly data: boolean },
): { text: string; page: string; runs: number; seen: ReadonlyMap<string, number>; failures: number } {
  const seen = new Map<string, number>()
  for (const [name, count] of parts.flatMap((part) => part.seen)) seen.set(name, (seen.get(name) ?? 0) + count)
  const runs = sum(parts, (part) => part.runs)
  const failures = parts.flatMap((part) => part.failures)
  const rows: readonly (readonly [string, string])[] = [
    ['runs', number(runs)],
    ['first seed', number(seed)],
    ['seconds', number(Math.round(seconds))],
    ['events', number(sum(parts, (part) => part.events))],
    ['calls', number(sum(parts, (part) => part.calls))],
    [data ? 'loads' : 'issuer calls', number(sum(parts, (part) => part.issuerCalls))],
    ['runs that broke a promise', number(failures.length)],
    [
      'broken variants that the tests catch',
      number(data ? DATA_MUTANTS.length : [...MUTANTS, ...EXCLUSIVE_MUTANTS].length),
    ],
    ...[...seen]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, count]) => [`seen: ${name}`, number(count)] as const),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const broken = failures
    .slice(0, 10)
    .map(
      ({ seed: bad, trouble, violations }) =>
        `seed ${bad} (${trouble}): ${violations[0]?.invariant} ${violations[0]?.what}`,
    )
  const text = [
    ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    `${number(Math.round(runs / seconds))} runs a second`,
    ...broken,
  ].join('\n')
  const page = [
    data ? '# What the simulator found about data' : '# What the simulator found',
    '',
    `${data ? 'Production caches' : 'The production engine'} in ${number(runs)} seeded worlds of virtual time, with lost requests and replies, late and duplicate`,
    `writes, crashes, freezes, wrong and stepping clocks, outages of ${data ? 'loader' : 'issuer'} and store, and clean-up by the backend. After every event the`,
    data
      ? 'promises of [invalidation](data/invalidation.md#what-is-checked) are checked. Written by `pnpm simulate:long`.'
      : 'invariants of [the protocol](protocol.md) are checked. Written by `pnpm simulate:long`.',
    '',
    '| what | count |',
    '|---|---|',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    'A count of 0 among the things seen would mean that a promise was never in danger, and fails the run. The broken variants are the',
    'production code with one rule taken away; the tests show that each breaks a promise within 20,000 runs.',
    '',
  ].join('\n')
  return { text, page, runs, seen, failures: failures.length }
}
