import { once } from 'node:events'
import { startDynamoDB, startS3 } from '@warmtoken/local'
import { DEPLOYER } from './account.ts'
import { createCloudFormation } from './cloudformation.ts'
import { createGateway, type SeenCall } from './gateway.ts'
import type { Service } from './service.ts'
import { ecr, lambda, sts } from './small-services.ts'
import type { Stack } from './stack.ts'
import { createWorld, type World } from './world.ts'

/** What stands for AWS, on loopback ports. */
export interface Cloud {
  /** For `AWS_ENDPOINT_URL`. */
  readonly url: string
  /** The DynamoDB that holds the tables of the stacks; asks for no rights. */
  readonly dynamoDB: string
  readonly world: World
  /** All calls since the last time this was asked. */
  calls(): readonly SeenCall[]
  stack(name: string): Stack | undefined
  close(): Promise<void>
}

/** Starts S3, DynamoDB, and CloudFormation, STS, Lambda and ECR as far as a deployment asks them. */
export async function startCloud(): Promise<Cloud> {
  const [s3, dynamoDB] = await Promise.all([startS3({ credentials: [DEPLOYER] }), startDynamoDB()])
  const world = createWorld({ s3: s3.url, dynamoDB: dynamoDB.url })
  const cloudFormation = createCloudFormation(world)
  const services = new Map<string, Service>([
    ['cloudformation', cloudFormation.service],
    ['sts', sts],
    ['lambda', lambda(world)],
    ['ecr', ecr],
  ])
  let seen: SeenCall[] = []
  const gateway = createGateway({ services, s3: new URL(s3.url), seen: (call) => seen.push(call) })
  gateway.listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  const address = gateway.address()
  if (address === null || typeof address === 'string') throw new Error('The gateway listens on no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    dynamoDB: dynamoDB.url,
    world,
    calls: () => {
      const before = seen
      seen = []
      return before
    },
    stack: cloudFormation.stack,
    close: async () => {
      world.close()
      gateway.close()
      gateway.closeAllConnections()
      await Promise.all([s3.close(), dynamoDB.close()])
    },
  }
}
