import type { Agent } from 'node:http'
import type { S3Client } from '@aws-sdk/client-s3'
import { checkOptions, flagRule, type Rule, textRule } from '@warmtoken/core/adapter/setup'
import { checkClient, PLACE } from '../shared/options.ts'

/** How `s3Store` is set up. */
export interface S3StoreOptions {
  /** The bucket. */
  readonly bucket: string
  /** What the names of its objects begin with. Default `warmtoken/`. */
  readonly prefix?: string
  /** The region. Default: what the SDK finds. */
  readonly region?: string
  /** The endpoint, for a local or S3-compatible server. Default: AWS. */
  readonly endpoint?: string
  /**
   * Whether the first object that a process creates is used to test that the server honors conditions: two more PUTs,
   * once a process, and none for one that creates no object. Default true. Set it to false on AWS itself.
   */
  readonly probe?: boolean
  /** An agent of `node:https`, such as that of a proxy. Not with `client`. Default: one that keeps connections alive. */
  readonly agent?: Agent
  /**
   * Your own client, or a function that returns it. It should have three attempts and timeouts of some hundred ms.
   * Default: a client with such settings, made when memory and file have both missed.
   */
  readonly client?: S3Client | (() => S3Client | Promise<S3Client>)
}

/** A prefix may be empty: then names begin with the key. */
const prefix: Rule = ['a text', (value) => typeof value === 'string']
const RULES: { readonly [name: string]: Rule } = { bucket: textRule, prefix, probe: flagRule, ...PLACE }

/** Throws `TypeError` that names the option: one that is missing, wrong, or unknown. */
export function checkS3Options(options: S3StoreOptions): void {
  checkOptions('s3Store', options, RULES, ['bucket'])
  checkClient('s3Store', options, { agent: options.agent })
}
