import { exportsOf, outputsOf, wantedOf } from './plan.ts'
import { checkReferences } from './references.ts'
import { type ChangeSet, note, type Stack, type StackResource, setStatus } from './stack.ts'
import type { World } from './world.ts'

/**
 * Does what a change set says, wave by wave, and takes it back when a resource fails. It yields between what is seen
 * from outside, so that a caller sees resources and stack in progress.
 */
export async function* executeChanges(stack: Stack, changeSet: ChangeSet, world: World): AsyncGenerator<void, void> {
  const { kind, template, changes } = changeSet
  const before = new Map(stack.resources)
  setStatus(stack, `${kind}_IN_PROGRESS`, 'User Initiated')
  yield
  const actions = new Map(changes.map(({ logicalId, action }) => [logicalId, action]))
  for (const wave of checkReferences(template)) {
    const touched = wave.filter((id) => actions.has(id)).map((id) => wantedOf(stack, template, id))
    const verb = ({ logicalId }: StackResource): string => (actions.get(logicalId) === 'Add' ? 'CREATE' : 'UPDATE')
    for (const resource of touched) note(stack, resource, `${verb(resource)}_IN_PROGRESS`)
    if (touched.length > 0) yield
    for (const resource of touched) {
      try {
        await (verb(resource) === 'CREATE' ? world.make(resource) : world.change(resource))
        note(stack, resource, `${verb(resource)}_COMPLETE`)
      } catch (error) {
        note(stack, resource, `${verb(resource)}_FAILED`, error instanceof Error ? error.message : 'unknown error')
        yield* rollBack(stack, before, { kind, failed: resource.logicalId, world })
        return
      }
    }
  }
  if (kind === 'UPDATE') setStatus(stack, 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS')
  const gone = [...stack.resources.values()].filter(({ logicalId }) => !template.resources.has(logicalId))
  for (const resource of gone.toReversed()) await removeOne(stack, resource, world)
  stack.template = template
  replaceAll(stack.outputs, outputsOf(stack, template))
  replaceAll(stack.exports, exportsOf(stack, template))
  setStatus(stack, `${kind}_COMPLETE`)
}

interface Failure {
  readonly kind: 'CREATE' | 'UPDATE'
  readonly failed: string
  readonly world: World
}

/** Puts back what was there before. */
async function* rollBack(
  stack: Stack,
  before: ReadonlyMap<string, StackResource>,
  { kind, failed, world }: Failure,
): AsyncGenerator<void, void> {
  const prefix = kind === 'CREATE' ? '' : 'UPDATE_'
  setStatus(stack, `${prefix}ROLLBACK_IN_PROGRESS`, `The following resource(s) failed: [${failed}].`)
  yield
  for (const resource of [...stack.resources.values()].toReversed()) {
    const earlier = before.get(resource.logicalId)
    const wasDone = resource.status.endsWith('_COMPLETE')
    if (earlier === undefined && wasDone) await removeOne(stack, resource, world)
    if (earlier === undefined) stack.resources.delete(resource.logicalId)
    else if (resource !== earlier) {
      await world.change(earlier)
      note(stack, earlier, 'UPDATE_COMPLETE')
    }
  }
  setStatus(stack, `${prefix}ROLLBACK_COMPLETE`)
}

/** Removes all that a stack has, the last made first, except for what its template says to keep. */
export async function* removeStack(stack: Stack, world: World): AsyncGenerator<void, void> {
  setStatus(stack, 'DELETE_IN_PROGRESS', 'User Initiated')
  yield
  const waves = stack.template === undefined ? [] : checkReferences(stack.template)
  for (const wave of waves.toReversed()) {
    for (const logicalId of wave) {
      const resource = stack.resources.get(logicalId)
      if (resource === undefined) continue
      const policy = stack.template?.resources.get(logicalId)?.deletionPolicy ?? 'Delete'
      if (policy !== 'Delete') note(stack, resource, 'DELETE_SKIPPED')
      else if (!(await removeOne(stack, resource, world))) {
        setStatus(stack, 'DELETE_FAILED', `The following resource(s) failed to delete: [${logicalId}].`)
        return
      }
    }
    yield
  }
  setStatus(stack, 'DELETE_COMPLETE')
}

async function removeOne(stack: Stack, resource: StackResource, world: World): Promise<boolean> {
  note(stack, resource, 'DELETE_IN_PROGRESS')
  try {
    await world.remove(resource)
  } catch (error) {
    note(stack, resource, 'DELETE_FAILED', error instanceof Error ? error.message : 'unknown error')
    return false
  }
  note(stack, resource, 'DELETE_COMPLETE')
  stack.resources.delete(resource.logicalId)
  return true
}

function replaceAll(target: Map<string, string>, source: ReadonlyMap<string, string>): void {
  target.clear()
  for (const [name, value] of source) target.set(name, value)
}
