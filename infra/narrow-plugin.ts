import type { Plugin, Serverless } from './serverless.ts'

interface Template {
  readonly Resources: Readonly<Record<string, Resource>>
}

interface Resource {
  readonly Type: string
  readonly Properties?: {
    readonly Policies?: readonly { readonly PolicyDocument: { Statement: readonly Statement[] } }[]
  }
}

interface Statement {
  readonly Resource?: unknown
}

/** What the framework grants to every service with a WebSocket: all connections of all APIs of the account. */
const TOO_WIDE = /:execute-api:\*:\*:\*\/@connections\/\*/

/** Serverless plugin: takes back the right to the connections of other APIs. The service names those of its own. */
export default function NarrowPlugin(serverless: Serverless): Plugin {
  const narrow = (): void => {
    const { compiledCloudFormationTemplate: template } = serverless.service.provider
    for (const { Type, Properties } of Object.values((template as Template | undefined)?.Resources ?? {})) {
      if (Type !== 'AWS::IAM::Role') continue
      for (const { PolicyDocument } of Properties?.Policies ?? [])
        PolicyDocument.Statement = PolicyDocument.Statement.filter(
          ({ Resource }) => !TOO_WIDE.test(JSON.stringify(Resource)),
        )
    }
  }
  return { hooks: { 'before:package:finalize': narrow } }
}
