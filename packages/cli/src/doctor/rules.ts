/** What `doctor` looks for. A rule is a question to the facts, and what to do when the answer is bad. @module */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { asFields, parseJson } from '@warmtoken/core/adapter'
import { allows, RIGHTS, settingsOf, tablesOf } from '../resources.ts'
import { MIN_BODY_DAYS } from './bucket.ts'
import type { Facts } from './facts.ts'

/** How long a lease lasts with the default timeouts, in seconds: see "leaseLength" in core. */
export const LEASE = 6
/** How far clocks may be apart, in ms. Signatures of AWS fail at five minutes. */
const MAX_CLOCK_OFF = 120_000
/** The oldest version of Node on Lambda that the packages run on. */
const MIN_NODE = 22

/** What a check found: what is wrong, `undefined` for nothing, advice, or `unchecked` where the facts do not tell. */
export type Finding = string | undefined | Advice | typeof UNCHECKED
/** Nothing is wrong, but it could be faster. */
export interface Advice {
  readonly advice: string
}
/** The facts that the rule needs are not there: another kind of store, or no service file. */
export const UNCHECKED: unique symbol = Symbol('unchecked')

/** A rule. */
export interface Rule {
  readonly id: string
  readonly title: string
  check(facts: Facts): Finding | Promise<Finding>
  /** What to do. */
  readonly fix: string
}

/** The rules, in the order in which they are printed. */
export const RULES: readonly Rule[] = [
  {
    id: 'table-missing',
    title: 'The table or bucket exists',
    async check({ table, probe }) {
      const facts = await table()
      if (facts !== undefined) return facts.exists ? undefined : 'there is no such table in this account and region'
      const refused = (await probe())?.refused
      return refused?.code === 'STORE_MISSING' ? refused.message : (await probe()) === undefined ? UNCHECKED : undefined
    },
    fix: 'Check --region and the name; "warmtoken init" adds the table to serverless.yml.',
  },
  {
    id: 'table-key',
    title: 'The key of the table is "pk"',
    async check({ table }) {
      const facts = await table()
      if (facts === undefined || !facts.exists) return UNCHECKED
      return facts.key === 'pk (S)' ? undefined : `its key is ${facts.key}`
    },
    fix: 'Create a new table with the hash key "pk", a string, and no sort key. A key cannot be changed.',
  },
  {
    id: 'time-to-live',
    title: 'Time to live is on, with the attribute "keepUntil"',
    async check({ table }) {
      const facts = await table()
      if (facts === undefined || !facts.exists) return UNCHECKED
      if (facts.timeToLive === 'keepUntil') return undefined
      return facts.timeToLive === undefined ? 'it is off: old records stay forever' : `it is on "${facts.timeToLive}"`
    },
    fix: 'Set TimeToLiveSpecification: { AttributeName: keepUntil, Enabled: true }.',
  },
  {
    id: 'backups-of-chains',
    title: 'No point-in-time recovery beside refresh tokens that rotate',
    async check({ table, sample }) {
      const facts = await table()
      if (facts === undefined || !facts.exists) return UNCHECKED
      if (!facts.hasBackups) return undefined
      const { exclusive = 0 } = (await sample()) ?? {}
      return exclusive > 0 ? `it is on, and ${exclusive} records hold a chain of refresh tokens` : undefined
    },
    fix: 'Turn PointInTimeRecoveryEnabled off: a restored table brings back refresh tokens that were spent since.',
  },
  {
    id: 'global-table',
    title: 'The table lives in one region',
    async check({ table }) {
      const facts = await table()
      if (facts === undefined || !facts.exists) return UNCHECKED
      return facts.replicas.length === 0 ? undefined : `it has replicas in ${facts.replicas.join(', ')}`
    },
    fix: 'Use a table for each region: conditional writes hold within one, so two regions would overwrite each other.',
  },
  {
    id: 'generation-lifecycle',
    title: 'No lifecycle rule deletes what was invalidated',
    async check({ bucket }) {
      const facts = await bucket()
      if (facts === undefined) return UNCHECKED
      // It may have deleted them all.
      const { deletesGenerations: rules } = facts
      return rules.length > 0 ? `${rules.join(', ')} deletes records of invalidations (gen~)` : undefined
    },
    fix: 'Give each lifecycle rule a prefix that spares gen~, such as warmtoken/body~. See docs/data/invalidation.md.',
  },
  {
    id: 'bodies-lifecycle',
    title: 'A lifecycle rule deletes old bodies of large values, and no others',
    async check({ bucket }) {
      const facts = await bucket()
      if (facts === undefined) return UNCHECKED
      const { hasBodies, deletesBodies: rules, deletesBodiesEarly: early } = facts
      if (early.length > 0)
        return `${early.join(', ')}; a body is needed for its "usable" and seven days, so for ${MIN_BODY_DAYS} days at least`
      return hasBodies && rules.length === 0
        ? 'it holds bodies of large values (body~), and nothing deletes them'
        : undefined
    },
    fix: 'Have one lifecycle rule on the prefix warmtoken/body~; its days are the longest "usable" and seven more. See docs/data/large-values.md.',
  },
  {
    id: 'eviction',
    title: 'Redis deletes no records when its memory is full',
    async check({ redis }) {
      const facts = await redis()
      if (facts === undefined) return UNCHECKED
      return facts.evictionPolicy === undefined ? undefined : `its maxmemory-policy is ${facts.evictionPolicy}`
    },
    fix: 'Set maxmemory-policy to noeviction, on a managed server in its parameter group. See docs/stores/redis.md.',
  },
  {
    id: 'persistence',
    title: 'A restart of Redis keeps what was invalidated',
    async check({ redis }) {
      const facts = await redis()
      if (facts === undefined || (facts.hasGenerations && facts.log === 'unknown')) return UNCHECKED
      return facts.hasGenerations && facts.log === 'off'
        ? 'it holds records of invalidations (gen~), and keeps no append-only file'
        : undefined
    },
    fix: 'Set appendonly to yes, or use a store that keeps every write it acknowledged. See docs/stores/redis.md.',
  },
  {
    id: 'rights',
    title: 'The store may be read and written',
    async check({ probe, service }) {
      const { refused, lacks } = (await probe()) ?? {}
      if (refused?.code === 'STORE_DENIED') return refused.message
      const may = (right: string): boolean => service !== undefined && allows(service.data, right)
      if (may(RIGHTS.read) && !may(RIGHTS.write))
        return "the functions' role in serverless.yml allows dynamodb:GetItem but not dynamodb:UpdateItem"
      if (lacks !== undefined || (may(RIGHTS.read) && !may(RIGHTS.batch)))
        return { advice: `without ${lacks ?? RIGHTS.batch}, a cache reads records one by one, which is slower` }
      return (await probe()) === undefined && service === undefined ? UNCHECKED : undefined
    },
    fix: 'Allow dynamodb:GetItem and dynamodb:UpdateItem on the table. To test the role of a function, assume it first.',
  },
  {
    id: 'conditions',
    title: 'The store honors conditional writes',
    async check({ probe }) {
      const facts = await probe()
      if (facts === undefined || facts.refused !== undefined) return UNCHECKED
      return facts.ignoresConditions ? 'it wrote although the condition did not hold' : undefined
    },
    fix: 'Use DynamoDB, AWS S3, or a server that implements If-Match and If-None-Match: without them leases exclude nobody.',
  },
  {
    id: 'clock',
    title: "This machine's clock is right",
    async check({ probe }) {
      const off = (await probe())?.clockOff
      if (off === undefined) return UNCHECKED
      return off > MAX_CLOCK_OFF ? `it is off by ${Math.round(off / 60_000)} minutes or more` : undefined
    },
    fix: 'Synchronize it (NTP): AWS rejects signatures that are more than five minutes off.',
  },
  {
    id: 'timeout',
    title: 'No function ends before a lease does',
    check(facts) {
      const timeouts = settingsIn(facts, 'timeout')
      if (timeouts.length === 0) return UNCHECKED
      const short = timeouts.filter(([, value]) => Number(value) < LEASE)
      return short.length === 0 ? undefined : `${namesOf(short)} may take less than the ${LEASE} s of a lease`
    },
    fix: 'Set "timeout" to 15: a cold start may wait for the token request of another environment.',
  },
  {
    id: 'shared-stages',
    title: 'No two stages share a table',
    check({ service }) {
      if (service === undefined) return UNCHECKED
      const fixed = tablesOf(service.data).filter(
        ([, { TableName: name }]) => typeof name === 'string' && !name.includes('${'),
      )
      return fixed.length === 0 ? undefined : `the name of ${namesOf(fixed)} is the same in every stage`
    },
    fix: 'Leave TableName out, or put the stage into it (the variable sls:stage), or give createTokens a namespace per stage.',
  },
  {
    id: 'sealing',
    title: 'Values are sealed',
    async check({ sample }) {
      const facts = await sample()
      if (facts === undefined || facts.size === 0) return UNCHECKED
      return facts.plain === 0 ? undefined : `${facts.plain} of ${facts.size} records hold a value in plain text`
    },
    fix: 'Give createTokens a codec: aesGcm with a key of your own, or of KMS. See docs/sealing.md.',
  },
  {
    id: 'runtime',
    title: 'Functions run on Node 22 or later',
    check(facts) {
      const runtimes = settingsIn(facts, 'runtime')
      if (runtimes.length === 0) return UNCHECKED
      const old = runtimes.filter(([, runtime]) => {
        const version = /^nodejs(\d+)\.x$/.exec(String(runtime))?.[1]
        return version !== undefined && Number(version) < MIN_NODE
      })
      return old.length === 0 ? undefined : `${namesOf(old)} run on ${String(old[0]?.[1])}`
    },
    fix: 'Set "runtime: nodejs24.x".',
  },
  {
    id: 'sdk-twice',
    title: 'The AWS SDK is bundled once',
    check({ cwd }) {
      const copies = copiesOf('@aws-sdk/client-dynamodb', cwd)
      if (copies === undefined) return UNCHECKED
      const [own, theirs] = copies
      return own === theirs ? undefined : `your code finds @aws-sdk/client-dynamodb ${own}, warmtoken finds ${theirs}`
    },
    fix: 'Install one version (npm dedupe), or pass your own "client" to the store; two copies cost each cold start.',
  },
]

/** A setting of the functions of the service file, and of the one that is deployed. */
function settingsIn({ service, deployed }: Facts, name: 'timeout' | 'runtime'): ReturnType<typeof settingsOf> {
  const declared = service === undefined ? [] : settingsOf(service.data, name)
  return deployed === undefined ? declared : [...declared, [deployed.name, deployed[name]]]
}

function namesOf(entries: readonly (readonly [name: string, value: unknown])[]): string {
  return entries.map(([name]) => name).join(', ')
}

/** The version that the project finds, and the one that the adapter finds. `undefined` when either is not installed. */
function copiesOf(name: string, cwd: string): readonly [own: string, theirs: string] | undefined {
  const project = createRequire(join(cwd, 'package.json'))
  try {
    const adapter = createRequire(project.resolve('@warmtoken/adapters-aws/package.json'))
    return [versionOf(project.resolve(`${name}/package.json`)), versionOf(adapter.resolve(`${name}/package.json`))]
  } catch {
    return undefined
  }
}

function versionOf(manifest: string): string {
  const version = asFields(parseJson(readFileSync(manifest, 'utf8')))?.['version']
  return `${String(version)} in ${dirname(manifest)}`
}
