/** What a service file says about tables, functions and rights. @module */

import { asFields, type Fields } from '@warmtoken/core/adapter'
import { partOf } from './service.ts'

/** The resources of CloudFormation by their names. `resources` may be one map or a list of maps. */
export function resourcesOf(data: unknown): readonly (readonly [name: string, resource: Fields])[] {
  const resources = [partOf(data, 'resources')].flat()
  return resources.flatMap((part) =>
    Object.entries(asFields(partOf(part, 'Resources')) ?? {}).flatMap(([name, resource]) => {
      const fields = asFields(resource)
      return fields === undefined ? [] : [[name, fields] as const]
    }),
  )
}

/** The tables that have the form of ours: DynamoDB, with the hash key `pk`. */
export function tablesOf(data: unknown): readonly (readonly [name: string, properties: Fields])[] {
  return resourcesOf(data).flatMap(([name, resource]) => {
    const properties = asFields(resource['Properties']) ?? {}
    const isOurs =
      resource['Type'] === 'AWS::DynamoDB::Table' && JSON.stringify(properties['KeySchema'])?.includes('"pk"')
    return isOurs === true ? [[name, properties] as const] : []
  })
}

/** The rights that functions need on the table; `batch` only for speed, of caches and of a prewarm of many tokens. */
export const RIGHTS = {
  batch: 'dynamodb:BatchGetItem',
  read: 'dynamodb:GetItem',
  write: 'dynamodb:UpdateItem',
} as const

/** Whether the functions' role allows an action, by its name or by a pattern that ends with `*`. */
export function allows(data: unknown, action: string): boolean {
  return actionsOf(data).some((one) => one === action || (one.endsWith('*') && action.startsWith(one.slice(0, -1))))
}

/** The actions that the functions' role allows, from every statement that the file holds. */
function actionsOf(data: unknown): readonly string[] {
  const statements = [
    partOf(data, 'provider', 'iam', 'role', 'statements'),
    partOf(data, 'provider', 'iamRoleStatements'),
  ].flat()
  return statements.flatMap((statement) => {
    const { Effect, Action } = asFields(statement) ?? {}
    return Effect === 'Allow' ? [Action].flat().filter((one) => typeof one === 'string') : []
  })
}

/** Each function with a setting that may stand at the provider too. */
export function settingsOf(data: unknown, name: string): readonly (readonly [functionName: string, value: unknown])[] {
  const common = partOf(data, 'provider', name)
  const functions = Object.entries(asFields(partOf(data, 'functions')) ?? {})
  return functions.map(([functionName, definition]) => [functionName, asFields(definition)?.[name] ?? common] as const)
}
