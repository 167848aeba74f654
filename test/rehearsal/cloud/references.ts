import { resolve, type Scope } from './intrinsics.ts'
import { kindOf } from './resource-kinds.ts'
import type { Template } from './template.ts'
import { TemplateError } from './template-error.ts'
import type { Value } from './value.ts'

/**
 * Checks what CloudFormation checks before it begins: each type is known and has its properties, each reference leads
 * to a resource and to an attribute that it has, and nothing depends on itself.
 *
 * @returns the resources in waves: those of a wave depend only on earlier waves
 * @throws TemplateError that names the resource
 */
export function checkReferences(template: Template): readonly (readonly string[])[] {
  const needs = new Map<string, ReadonlySet<string>>()
  for (const [id, { type, properties, dependsOn }] of template.resources) {
    const { required, optional } = kindOf(type)
    const missing = required.filter((name) => !Object.hasOwn(properties, name))
    if (missing.length > 0) throw invalid(id, `required key [${missing.join(', ')}] not found`)
    const strange = Object.keys(properties).filter((name) => !required.includes(name) && !optional.includes(name))
    if (strange.length > 0) throw invalid(id, `[${strange.join(', ')}] is not known to this rehearsal`)
    const used = new Set([...usedBy(properties, template, id), ...dependsOn])
    const unknown = dependsOn.find((name) => !template.resources.has(name))
    if (unknown !== undefined) throw new TemplateError(`${id} depends on ${unknown}, which is not there`)
    needs.set(id, used)
  }
  for (const [id, { value, exportName }] of template.outputs) {
    usedBy(value, template, `output ${id}`)
    if (exportName !== undefined) usedBy(exportName, template, `output ${id}`)
  }
  return wavesOf(needs)
}

function invalid(id: string, why: string): TemplateError {
  return new TemplateError(`Properties validation failed for resource ${id} with message: ${why}`)
}

/** The resources that a value refers to. */
function usedBy(value: Value, { resources, parameters }: Template, where: string): ReadonlySet<string> {
  const used = new Set<string>()
  const use = (id: string): string => {
    if (!resources.has(id)) throw new TemplateError(`Unresolved resource dependencies [${id}] in ${where}`)
    used.add(id)
    return id
  }
  const scope: Scope = {
    ref: (id) => parameters.get(id)?.value ?? (parameters.has(id) ? id : use(id)),
    attribute: (id, name) => {
      const type = resources.get(use(id))?.type ?? ''
      if (!kindOf(type).attributes.includes(name)) {
        throw new TemplateError(`${where} asks for ${id}.${name}, an attribute that ${type} does not have`)
      }
      return id
    },
    stack: { name: 'stack', id: 'stack' },
  }
  resolve(value, scope)
  return used
}

function wavesOf(needs: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly string[])[] {
  const waves: (readonly string[])[] = []
  const done = new Set<string>()
  while (done.size < needs.size) {
    const ready = [...needs].filter(([id, needed]) => !done.has(id) && [...needed].every((one) => done.has(one)))
    if (ready.length === 0) {
      const rest = [...needs.keys()].filter((id) => !done.has(id))
      throw new TemplateError(`Circular dependency between resources: [${rest.join(', ')}]`)
    }
    waves.push(ready.map(([id]) => id))
    for (const [id] of ready) done.add(id)
  }
  return waves
}
