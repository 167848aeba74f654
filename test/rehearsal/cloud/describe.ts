import type { ChangeSet, Stack, StackEvent, StackResource } from './stack.ts'
import type { Xml } from './xml.ts'

function time(at: number): string {
  return new Date(at).toISOString()
}

/** A stack as DescribeStacks shows it. */
export function stackXml(stack: Stack): Xml {
  const { name, id, status, createdAt, outputs, exports, tags } = stack
  const exportOf = (value: string): string | undefined => [...exports].find(([, exported]) => exported === value)?.[0]
  return {
    StackName: name,
    StackId: id,
    StackStatus: status,
    CreationTime: time(createdAt),
    EnableTerminationProtection: false,
    Outputs: [...outputs].map(([OutputKey, OutputValue]) => ({
      OutputKey,
      OutputValue,
      ExportName: exportOf(OutputValue),
    })),
    Tags: [...tags].map(([Key, Value]) => ({ Key, Value })),
  }
}

/** An event as DescribeStackEvents shows it. */
export function eventXml(stack: Stack, event: StackEvent): Xml {
  return {
    StackId: stack.id,
    StackName: stack.name,
    EventId: event.id,
    LogicalResourceId: event.logicalId,
    PhysicalResourceId: event.physicalId,
    ResourceType: event.type,
    ResourceStatus: event.status,
    ResourceStatusReason: event.reason,
    Timestamp: time(event.at),
  }
}

/** A change set as DescribeChangeSet shows it. */
export function changeSetXml(stack: Stack, { id, name, status, reason, changes }: ChangeSet): Xml {
  return {
    ChangeSetId: id,
    ChangeSetName: name,
    StackId: stack.id,
    StackName: stack.name,
    Status: status,
    StatusReason: reason,
    ExecutionStatus: status === 'FAILED' ? 'UNAVAILABLE' : 'AVAILABLE',
    Changes: changes.map(({ action: Action, logicalId: LogicalResourceId, type: ResourceType }) => ({
      Type: 'Resource',
      ResourceChange: { Action, LogicalResourceId, ResourceType },
    })),
  }
}

/** A resource as ListStackResources shows it. */
export function summaryXml({ logicalId, physicalId, type, status, changedAt }: StackResource): Xml {
  return {
    LogicalResourceId: logicalId,
    PhysicalResourceId: physicalId,
    ResourceType: type,
    ResourceStatus: status,
    LastUpdatedTimestamp: time(changedAt),
  }
}

/** A resource as DescribeStackResource shows it. */
export function resourceXml(stack: Stack, resource: StackResource): Xml {
  return {
    StackId: stack.id,
    StackName: stack.name,
    LogicalResourceId: resource.logicalId,
    PhysicalResourceId: resource.physicalId,
    ResourceType: resource.type,
    ResourceStatus: resource.status,
    LastUpdatedTimestamp: time(resource.changedAt),
  }
}
