import { resolve, type Scope } from './intrinsics.ts'
import { kindOf } from './resource-kinds.ts'
import type { Change, Stack, StackResource } from './stack.ts'
import type { Template } from './template.ts'
import { TemplateError } from './template-error.ts'
import { canonical, isMapping, type Value } from './value.ts'

/** The names and attributes of the resources that are to be. They are known beforehand: no name here is random. */
export function scopeOf(stack: Stack, template: Template): Scope {
  const named = (logicalId: string): { readonly type: string; readonly physicalId: string } => {
    const there = stack.resources.get(logicalId)
    const wanted = template.resources.get(logicalId)
    if (wanted === undefined) throw new TemplateError(`There is no resource ${logicalId}`)
    if (there !== undefined) return there
    const ref = (id: string): string => template.parameters.get(id)?.value ?? id
    const properties = resolve(wanted.properties, { ...scope, ref, attribute: (id) => id })
    if (!isMapping(properties)) throw new TemplateError(`The Properties of ${logicalId} are no object`)
    const naming = { stack: stack.name, stackId: stack.id, logicalId, properties }
    return { type: wanted.type, physicalId: kindOf(wanted.type).nameOf(naming) }
  }
  const scope: Scope = {
    ref: (id) => template.parameters.get(id)?.value ?? named(id).physicalId,
    attribute: (id, name) => {
      const { type, physicalId } = named(id)
      return kindOf(type).attribute(name, physicalId)
    },
    stack,
  }
  return scope
}

/** The resource as the template requires it, with all references put in. */
export function wantedOf(stack: Stack, template: Template, logicalId: string): StackResource {
  const wanted = template.resources.get(logicalId)
  const scope = scopeOf(stack, template)
  const properties = wanted && resolve(wanted.properties, scope)
  if (wanted === undefined || !isMapping(properties)) throw new TemplateError(`There is no resource ${logicalId}`)
  return { logicalId, physicalId: scope.ref(logicalId), type: wanted.type, properties, status: '', changedAt: 0 }
}

/**
 * What would have to be done to get from the stack as it is to the template.
 *
 * @throws TemplateError for a change that would replace a resource, for what it holds would be lost
 */
export function planChanges(stack: Stack, template: Template): readonly Change[] {
  const changes: Change[] = []
  for (const [logicalId, { type }] of template.resources) {
    const there = stack.resources.get(logicalId)
    if (there === undefined) changes.push({ action: 'Add', logicalId, type })
    else if (isChanged(there, wantedOf(stack, template, logicalId))) changes.push({ action: 'Modify', logicalId, type })
  }
  for (const { logicalId, type } of stack.resources.values()) {
    if (!template.resources.has(logicalId)) changes.push({ action: 'Remove', logicalId, type })
  }
  return changes
}

function isChanged(there: StackResource, wanted: StackResource): boolean {
  const { immutable } = kindOf(wanted.type)
  const replaced = immutable.find((name) => !same(there.properties[name], wanted.properties[name]))
  if (there.type !== wanted.type || replaced !== undefined) {
    throw new TemplateError(
      `${wanted.logicalId}: a change of ${replaced ?? 'Type'} would replace it and lose its contents`,
    )
  }
  return !same(there.properties, wanted.properties)
}

function same(one: Value | undefined, other: Value | undefined): boolean {
  return canonical(one) === canonical(other)
}

/** Whether the outputs would change. */
export function outputsChange(stack: Stack, template: Template): boolean {
  return canonical([...outputsOf(stack, template)].flat()) !== canonical([...stack.outputs].flat())
}

/** The outputs as the template has them. */
export function outputsOf(stack: Stack, template: Template): ReadonlyMap<string, string> {
  const scope = scopeOf(stack, template)
  return new Map([...template.outputs].map(([id, { value }]) => [id, String(resolve(value, scope))]))
}

/** The names under which outputs are exported, with their values. */
export function exportsOf(stack: Stack, template: Template): ReadonlyMap<string, string> {
  const scope = scopeOf(stack, template)
  const exported = [...template.outputs.values()].filter(({ exportName }) => exportName !== undefined)
  return new Map(
    exported.map(({ exportName, value }) => [String(resolve(exportName ?? '', scope)), String(resolve(value, scope))]),
  )
}
