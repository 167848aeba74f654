import { type CollectionTag, parseDocument, type ScalarTag, YAMLMap } from 'yaml'
import { TemplateError } from './template-error.ts'

/** Functions of templates that have a short form, as `!Ref` for `Ref`. */
const FUNCTIONS = ['Ref', 'Sub', 'GetAtt', 'Join'] as const

/** Parses a template in YAML, its short forms put into the long ones. Throws with the line of what is wrong. */
export function parseYaml(body: string): unknown {
  const document = parseDocument(body, { customTags: FUNCTIONS.flatMap(tagsOf), logLevel: 'silent' })
  // A tag that is not known is a warning, and would be left out.
  const [fault] = [...document.errors, ...document.warnings]
  if (fault === undefined) return document.toJS()
  throw new TemplateError(
    `Template format error: YAML not well-formed. (line ${fault.linePos?.[0].line}: ${fault.code})`,
  )
}

function tagsOf(name: (typeof FUNCTIONS)[number]): readonly (ScalarTag | CollectionTag)[] {
  const long = name === 'Ref' ? name : `Fn::${name}`
  const tag = `!${name}`
  return [
    { tag, resolve: (text) => ({ [long]: text }) },
    {
      tag,
      collection: 'seq',
      resolve(list) {
        const map = new YAMLMap()
        map.set(long, list)
        return map
      },
    },
  ]
}
