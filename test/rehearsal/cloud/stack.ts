import { randomUUID } from 'node:crypto'
import { arnOf } from './account.ts'
import type { Template } from './template.ts'
import type { Made } from './world.ts'

/** A resource of a stack. */
export interface StackResource extends Made {
  readonly logicalId: string
  readonly status: string
  readonly changedAt: number
}

/** One line of what happened to a stack. */
export interface StackEvent {
  readonly id: string
  /** The stack's own name for what happens to the stack itself. */
  readonly logicalId: string
  readonly physicalId: string
  readonly type: string
  readonly status: string
  readonly reason: string | undefined
  readonly at: number
}

/** What a change set would do to one resource. */
export interface Change {
  readonly action: 'Add' | 'Modify' | 'Remove'
  readonly logicalId: string
  readonly type: string
}

/** A change that was asked for and may be executed. */
export interface ChangeSet {
  readonly id: string
  readonly name: string
  readonly kind: 'CREATE' | 'UPDATE'
  readonly status: 'CREATE_COMPLETE' | 'FAILED'
  readonly reason: string | undefined
  readonly template: Template
  readonly changes: readonly Change[]
}

/** A stack. It changes in place, as what it stands for does; only operations.ts and execute.ts write to it. */
export interface Stack {
  readonly name: string
  readonly id: string
  readonly createdAt: number
  readonly tags: ReadonlyMap<string, string>
  readonly resources: Map<string, StackResource>
  readonly outputs: Map<string, string>
  readonly exports: Map<string, string>
  readonly changeSets: Map<string, ChangeSet>
  readonly events: StackEvent[]
  status: string
  template: Template | undefined
  /** What is still to be done; each step of it is taken when someone looks at the stack. */
  work: AsyncGenerator<void, void> | undefined
}

/** A stack that nothing was made for yet. */
export function emptyStack(name: string, tags: ReadonlyMap<string, string>): Stack {
  return {
    name,
    id: arnOf('cloudformation', `stack/${name}/${randomUUID()}`),
    createdAt: Date.now(),
    tags,
    resources: new Map(),
    outputs: new Map(),
    exports: new Map(),
    changeSets: new Map(),
    events: [],
    status: 'REVIEW_IN_PROGRESS',
    template: undefined,
    work: undefined,
  }
}

/** Writes down what happened to the stack itself. */
export function setStatus(stack: Stack, status: string, reason?: string): void {
  stack.status = status
  const { name, id } = stack
  stack.events.push(event({ logicalId: name, physicalId: id, type: 'AWS::CloudFormation::Stack', status, reason }))
}

/** Writes down what happened to one of its resources. */
export function note(stack: Stack, resource: StackResource, status: string, reason?: string): void {
  const { logicalId, physicalId, type } = resource
  stack.resources.set(logicalId, { ...resource, status, changedAt: Date.now() })
  stack.events.push(event({ logicalId, physicalId, type, status, reason }))
}

function event(told: Omit<StackEvent, 'id' | 'at'>): StackEvent {
  return { ...told, id: randomUUID(), at: Date.now() }
}
