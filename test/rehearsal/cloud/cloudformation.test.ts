import { expect, test } from 'vitest'
import { createCloudFormation } from './cloudformation.ts'
import type { Made, World } from './world.ts'

/** A world that makes nothing, remembers what it was told, and fails at will. */
function pretend() {
  const done: string[] = []
  const failing = new Set<string>()
  const act = (verb: string) => async (made: Made) => {
    const told = `${verb} ${made.physicalId}`
    if (failing.has(told)) throw new Error(`cannot ${told}`)
    done.push(told)
  }
  const world: World = {
    functions: new Map(),
    make: act('make'),
    change: act('change'),
    remove: act('remove'),
    readText: async () => '',
    list: async () => [],
    close: () => undefined,
  }
  return { world, done, failing, cloud: createCloudFormation(world) }
}

function group(name: string, more: object = {}, days = 1) {
  return {
    Type: 'AWS::Logs::LogGroup',
    Properties: { LogGroupName: name, RetentionInDays: days },
    ...more,
  }
}

function client({ cloud }: ReturnType<typeof pretend>) {
  const ask = async (Action: string, more: Record<string, string> = {}): Promise<string> => {
    const body = new URLSearchParams({ Action, StackName: 's', ChangeSetName: 'c', ...more }).toString()
    const answer = await cloud.service.answer(Action, { method: 'POST', path: '/', headers: new Map(), body })
    return answer?.body ?? 'not played'
  }
  const textOf = (name: string, xml: string): string => new RegExp(`<${name}>([^<]*)<`).exec(xml)?.[1] ?? ''
  const settle = async (): Promise<string> => {
    for (let step = 0; step < 50; step += 1) await ask('DescribeStackEvents')
    return textOf('StackStatus', await ask('DescribeStacks'))
  }
  const change = async (ChangeSetType: string, Resources: object): Promise<string> => {
    const made = await ask('CreateChangeSet', { ChangeSetType, TemplateBody: JSON.stringify({ Resources }) })
    if (made.includes('<Error>')) return textOf('Message', made)
    const status = textOf('Status', await ask('DescribeChangeSet'))
    if (status === 'FAILED') return textOf('StatusReason', await ask('DescribeChangeSet'))
    await ask('ExecuteChangeSet')
    return await settle()
  }
  return { ask, change, settle, textOf }
}

test('what changed is changed, what is no longer wanted goes, and the rest is not touched', async () => {
  const pretended = pretend()
  const { change } = client(pretended)
  expect(await change('CREATE', { A: group('a'), B: group('b'), C: group('c') })).toBe('CREATE_COMPLETE')
  expect(await change('UPDATE', { A: group('a'), B: group('b', {}, 2), D: group('d') })).toBe('UPDATE_COMPLETE')
  expect(pretended.done).toEqual(['make a', 'make b', 'make c', 'change b', 'make d', 'remove c'])
  expect(await change('UPDATE', { A: group('a'), B: group('b', {}, 2), D: group('d') })).toContain('contain changes')
})

test('someone who looks in between sees it in progress, and may not begin another change', async () => {
  const pretended = pretend()
  const { ask, textOf } = client(pretended)
  await ask('CreateChangeSet', {
    ChangeSetType: 'CREATE',
    TemplateBody: JSON.stringify({ Resources: { A: group('a') } }),
  })
  await ask('ExecuteChangeSet')
  await ask('DescribeStackEvents')
  expect(textOf('StackStatus', await ask('DescribeStacks'))).toBe('CREATE_IN_PROGRESS')
  expect(await ask('DeleteStack')).toContain('is in CREATE_IN_PROGRESS state')
})

test('a creation that fails is taken back', async () => {
  const pretended = pretend()
  pretended.failing.add('make b')
  const { ask, change } = client(pretended)
  expect(await change('CREATE', { A: group('a'), B: group('b', { DependsOn: 'A' }) })).toBe('ROLLBACK_COMPLETE')
  expect(pretended.done).toEqual(['make a', 'remove a'])
  expect(await ask('DescribeStackEvents')).toContain('cannot make b')
})

test('an update that fails leaves things as they were', async () => {
  const pretended = pretend()
  pretended.failing.add('make z')
  const { change } = client(pretended)
  await change('CREATE', { A: group('a') })
  const failed = await change('UPDATE', {
    A: group('a', {}, 5),
    B: group('b'),
    Z: group('z', { DependsOn: ['A', 'B'] }),
  })
  expect(failed).toBe('UPDATE_ROLLBACK_COMPLETE')
  expect(pretended.done.slice(1)).toEqual(['change a', 'make b', 'remove b', 'change a'])
  expect(pretended.cloud.stack('s')?.resources.get('A')?.properties['RetentionInDays']).toBe(1)
  expect([...(pretended.cloud.stack('s')?.resources.keys() ?? [])]).toEqual(['A'])
})

test('a change that would replace a resource is refused', async () => {
  const { change } = client(pretend())
  await change('CREATE', { A: group('a') })
  expect(await change('UPDATE', { A: group('b') })).toContain('A: a change of LogGroupName would replace it')
})

test('a removal goes backwards, keeps what it is told to keep, and stops where it fails', async () => {
  const pretended = pretend()
  const { ask, change, settle } = client(pretended)
  await change('CREATE', {
    A: group('a'),
    B: group('b', { DependsOn: 'A' }),
    C: group('c', { DeletionPolicy: 'Retain' }),
  })
  pretended.failing.add('remove a')
  await ask('DeleteStack')
  expect(await settle()).toBe('DELETE_FAILED')
  expect(pretended.done.slice(3)).toEqual(['remove b'])
  pretended.failing.clear()
  await ask('DeleteStack')
  expect(await settle()).toBe('')
  expect(await ask('DescribeStacks')).toContain('Stack with id s does not exist')
  expect(pretended.done.slice(4)).toEqual(['remove a'])
})

test('a role requires a capability, and what is not played is not answered', async () => {
  const { ask, change } = client(pretend())
  const role = { Type: 'AWS::IAM::Role', Properties: { RoleName: 'r', AssumeRolePolicyDocument: {} } }
  expect(await change('CREATE', { R: role })).toContain('CAPABILITY_NAMED_IAM')
  expect(await ask('ListStacks')).toBe('not played')
})
