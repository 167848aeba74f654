import { expect, test } from 'vitest'
import { type Asked, allows, parsePolicy } from './policy.ts'

const TABLE = 'arn:aws:dynamodb:us-east-1:123456789012:table/tokens'
function policy(...statements: readonly object[]) {
  return parsePolicy({ Version: '2012-10-17', Statement: statements as never })
}
function allow(Action: string | string[], Resource: string | string[]) {
  return { Effect: 'Allow', Action, Resource }
}
const get: Asked = { action: 'dynamodb:GetItem', resource: TABLE }

test('what nothing allows is denied', () => {
  expect(allows(policy(), get)).toBe(false)
  expect(allows(policy(allow('dynamodb:UpdateItem', TABLE)), get)).toBe(false)
  expect(allows(policy(allow('dynamodb:GetItem', `${TABLE}2`)), get)).toBe(false)
  expect(allows(policy(allow('dynamodb:GetItem', TABLE)), { ...get, resource: '*' })).toBe(false)
})

test('an action of any case on the exact resource is allowed', () => {
  expect(allows(policy(allow(['dynamodb:UpdateItem', 'DynamoDB:getitem'], ['x', TABLE])), get)).toBe(true)
  expect(allows(policy(allow('dynamodb:GetItem', TABLE.toUpperCase())), get)).toBe(false)
})

test('wildcards stand for characters, and a dot for itself', () => {
  expect(allows(policy(allow('dynamodb:*', 'arn:aws:dynamodb:*:table/tok?ns')), get)).toBe(true)
  expect(allows(policy(allow('dynamodb:Get?', TABLE)), get)).toBe(false)
  expect(allows(policy(allow('dynamodb:GetItem', 'a.c')), { ...get, resource: 'abc' })).toBe(false)
})

test('a denial wins', () => {
  const denied = { Effect: 'Deny', Action: '*', Resource: TABLE }
  expect(allows(policy(allow('*', '*'), denied), get)).toBe(false)
})

test.each([
  ['NotAction', { Effect: 'Allow', NotAction: 'x', Resource: '*' }],
  ['NotResource', { Effect: 'Allow', Action: 'x', NotResource: '*' }],
  ['Condition', { ...allow('x', '*'), Condition: {} }],
  ['Effect', { Effect: 'allow', Action: 'x', Resource: '*' }],
  ['Resource', { Effect: 'Allow', Action: 'x', Resource: { Ref: 'x' } }],
  ['Action', { Effect: 'Allow', Resource: '*' }],
])('what cannot be judged is not passed over: %s', (named, statement) => {
  expect(() => policy(statement)).toThrow(named)
})
