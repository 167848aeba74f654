import { ACCOUNT, globalArnOf } from './account.ts'
import { queryService } from './query.ts'
import { type Answer, type Service, targetOf } from './service.ts'
import type { World } from './world.ts'

/** STS: who deploys. */
export const sts: Service = queryService('https://sts.amazonaws.com/doc/2011-06-15/', {
  GetCallerIdentity: () => ({ Arn: globalArnOf('iam', 'user/rehearsal'), UserId: 'AIDAREHEARSAL', Account: ACCOUNT }),
})

/** ECR: the command asks before it removes a service whether there are images of it; there are none. */
export const ecr: Service = {
  operationOf: targetOf,
  answer: async (operation) =>
    operation === 'DescribeRepositories'
      ? json(400, { __type: 'RepositoryNotFoundException', message: 'The repository does not exist in the registry' })
      : undefined,
}

const FUNCTION = /^\/2015-03-31\/functions\/([\w-]{1,64})(\/configuration)?$/

/**
 * Lambda: the command asks when a function was last changed, to see whether a deployment is needed; the command line of
 * warmtoken asks for the settings.
 */
export function lambda(world: World): Service {
  return {
    operationOf: ({ method, path }) => {
      const [isOne, , settings] = (method === 'GET' && FUNCTION.exec(path)) || []
      if (isOne === undefined) return `${method} ${path}`
      return settings === undefined ? 'GetFunction' : 'GetFunctionConfiguration'
    },
    answer: async (operation, { path }) => {
      if (!operation.startsWith('GetFunction')) return undefined
      const found = world.functions.get(FUNCTION.exec(path)?.[1] ?? '')
      if (found === undefined)
        return json(404, { __type: 'ResourceNotFoundException', Type: 'User', message: 'Function not found' })
      const { name: FunctionName, sha256: CodeSha256, size: CodeSize, modifiedAt, properties } = found
      const { Runtime, Architectures, Handler, Timeout, MemorySize, Environment } = properties
      // The form that Lambda writes an instant in.
      const LastModified = new Date(modifiedAt).toISOString().replace('Z', '+0000')
      const settings = { Runtime, Architectures, Handler, Timeout, MemorySize }
      const told = { FunctionName, CodeSha256, CodeSize, LastModified, ...settings }
      return json(200, operation === 'GetFunction' ? { Configuration: told } : { ...told, Environment })
    },
  }
}

function json(status: number, body: object): Answer {
  return {
    status,
    contentType: 'application/json',
    body: JSON.stringify(body),
  }
}
