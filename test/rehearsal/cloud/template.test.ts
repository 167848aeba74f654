import { expect, test } from 'vitest'
import { checkReferences } from './references.ts'
import { parseTemplate } from './template.ts'

const TABLE = { Type: 'AWS::DynamoDB::Table', Properties: { KeySchema: [] } }
function group(properties: object) {
  return { Type: 'AWS::Logs::LogGroup', Properties: properties }
}
/** A name in braces behind a dollar, as Fn::Sub has it. */
function sub(name: string): string {
  return `\${${name}}`
}
function check(template: object) {
  return checkReferences(parseTemplate(JSON.stringify(template)))
}
function resources(Resources: object, more: object = {}) {
  return { Resources, ...more }
}

test('a resource comes after what it refers to or depends on', () => {
  const waves = check(
    resources({
      Third: { ...group({}), DependsOn: 'Second' },
      Second: group({ LogGroupName: { 'Fn::Sub': ['First', 'First.Arn', 'AWS::Region', '!literal'].map(sub).join() } }),
      First: TABLE,
    }),
  )
  expect(waves).toEqual([['First'], ['Second'], ['Third']])
})

test.each([
  ['a reference to nothing', { A: group({ LogGroupName: { Ref: 'B' } }) }, '[B]'],
  ['an attribute that is none', { A: group({ LogGroupName: { 'Fn::GetAtt': ['T', 'Name'] } }), T: TABLE }, 'T.Name'],
  ['an attribute of nothing', { A: group({ LogGroupName: { 'Fn::GetAtt': 'B.Arn' } }) }, '[B]'],
  ['an attribute in a text', { A: group({ LogGroupName: { 'Fn::Sub': sub('T.Nothing') } }), T: TABLE }, 'T.Nothing'],
  ['a function not known', { A: group({ LogGroupName: { 'Fn::Select': [0, []] } }) }, 'Fn::Select'],
  ['a dependency on nothing', { A: { ...TABLE, DependsOn: ['B'] } }, 'B'],
  ['a ring', { A: group({ LogGroupName: { Ref: 'B' } }), B: group({ LogGroupName: { Ref: 'A' } }) }, 'Circular'],
  ['a missing property', { A: { Type: 'AWS::DynamoDB::Table' } }, 'KeySchema'],
  ['a property not known', { A: group({ Retention: 1 }) }, 'Retention'],
  ['a type not known', { A: { Type: 'AWS::SQS::Queue' } }, 'AWS::SQS::Queue'],
  ['no type', { A: {} }, 'no Type'],
  ['a name that cannot be', { 'A-B': TABLE }, 'A-B'],
  ['a policy that is none', { A: { ...TABLE, DeletionPolicy: 'Keep' } }, 'DeletionPolicy'],
  ['a condition', { A: { ...TABLE, Condition: 'x' } }, 'Condition'],
])('%s is refused', (_what, Resources, named) => {
  expect(() => check(resources(Resources))).toThrow(named)
})

test.each([
  [
    'a parameter of a kind not known',
    JSON.stringify(resources({ A: TABLE }, { Parameters: { P: { Type: 'List' } } })),
    'P',
  ],
  ['YAML with a tag not known', 'Resources:\n  A: !If [a, b, c]\n', 'line 2'],
  ['YAML that ends in the middle', 'Resources:\n  A: {Type: x\n', 'YAML not well-formed'],
  ['a section not known', JSON.stringify(resources({ A: TABLE }, { Conditions: {} })), 'Conditions'],
  ['an output of nothing', JSON.stringify(resources({ A: TABLE }, { Outputs: { O: { Value: { Ref: 'B' } } } })), '[B]'],
  ['no resources', '{"Resources":{}}', 'At least one'],
  ['JSON that ends in the middle', '{"Resources":', 'JSON not well-formed'],
  ['a list', '[]', 'not an object'],
  ['too much', JSON.stringify(resources({ A: group({ LogGroupName: 'x'.repeat(1024 * 1024) }) })), 'larger than'],
  [
    'too many',
    JSON.stringify(resources(Object.fromEntries(Array.from({ length: 501 }, (_, n) => [`A${n}`, TABLE])))),
    '500',
  ],
  ['too deep', `{"Resources":{"A":{"Type":"x","Properties":${'{"a":'.repeat(50)}1${'}'.repeat(50)}}}}`, 'deep'],
])('%s is refused', (_what, body, named) => {
  expect(() => checkReferences(parseTemplate(body))).toThrow(named)
})
