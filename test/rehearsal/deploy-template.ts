/** Deploys a template as `aws cloudformation deploy` does: by a change set. @module */

import { readFileSync } from 'node:fs'
import {
  CloudFormationClient,
  CreateChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
} from '@aws-sdk/client-cloudformation'
import { DEPLOYER, REGION } from './cloud/account.ts'

/** After so many steps a stack must have settled. */
const MAX_STEPS = 100

/** Deploys and removes the templates of `infra/resources`. */
export interface Deployer {
  /** Resolves to the outputs. Rejects with what CloudFormation refuses, or with the events of what failed. */
  deploy(file: string, parameters?: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>>
  /** Resolves to the resources that were kept. Without such a stack there is nothing to do. */
  remove(file: string): Promise<readonly string[]>
  close(): void
}

/** The stack that a template becomes. */
export function stackNameOf(file: string): string {
  return file.replace(/\.yml$/, '')
}

/** Connects to the stand-in of CloudFormation. */
export function connectDeployer(endpoint: string): Deployer {
  const client = new CloudFormationClient({ endpoint, region: REGION, credentials: DEPLOYER, maxAttempts: 1 })

  async function settle(StackName: string): Promise<readonly string[]> {
    let told: readonly string[] = []
    for (let step = 0; step < MAX_STEPS; step += 1) {
      const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName }))
      told = StackEvents.map(
        ({ LogicalResourceId, ResourceStatus, ResourceStatusReason = '' }) =>
          `${LogicalResourceId} ${ResourceStatus} ${ResourceStatusReason}`,
      )
      // The newest stands first, and that of the stack itself is the last to come.
      if (told[0]?.startsWith(`${StackName} `) === true && !/ \S+_IN_PROGRESS /.test(`${told[0]} `)) return told
    }
    throw new Error(`${StackName} does not settle: ${told[0]}`)
  }

  async function exists(StackName: string): Promise<boolean> {
    try {
      await client.send(new DescribeStacksCommand({ StackName }))
      return true
    } catch (error) {
      if (error instanceof Error && error.message.includes('does not exist')) return false
      throw error
    }
  }

  return {
    async deploy(file, parameters = {}) {
      const StackName = stackNameOf(file)
      const names = { StackName, ChangeSetName: 'deploy' }
      await client.send(
        new CreateChangeSetCommand({
          ...names,
          ChangeSetType: 'CREATE',
          TemplateBody: readFileSync(new URL(`../../infra/resources/${file}`, import.meta.url), 'utf8'),
          Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
            ParameterKey,
            ParameterValue,
          })),
          Capabilities: ['CAPABILITY_IAM'],
        }),
      )
      const { Status, StatusReason } = await client.send(new DescribeChangeSetCommand(names))
      if (Status !== 'CREATE_COMPLETE') throw new Error(StatusReason)
      await client.send(new ExecuteChangeSetCommand(names))
      const told = await settle(StackName)
      if (told[0]?.includes('CREATE_COMPLETE') !== true) throw new Error(told.join('\n'))
      const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }))
      return Object.fromEntries((Stacks[0]?.Outputs ?? []).map((one) => [one.OutputKey, one.OutputValue ?? '']))
    },
    async remove(file) {
      const StackName = stackNameOf(file)
      if (!(await exists(StackName))) return []
      await client.send(new DeleteStackCommand({ StackName }))
      const told = await settle(StackName)
      if (told[0]?.includes('DELETE_COMPLETE') !== true) throw new Error(told.join('\n'))
      return told.flatMap((event) => /^(\w+) DELETE_SKIPPED/.exec(event)?.[1] ?? [])
    },
    close: () => client.destroy(),
  }
}
