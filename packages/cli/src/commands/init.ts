import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { asFields } from '@warmtoken/core/adapter'
import { createTwoFilesPatch } from 'diff'
import { type Document, isMap, isSeq, parseDocument, type Scalar, type ToStringOptions } from 'yaml'
import type { Context } from '../context.ts'
import { EXIT, OperatorError } from '../exit.ts'
import { allows, RIGHTS, tablesOf } from '../resources.ts'
import { partOf, readService, type Service } from '../service.ts'

/** The name of the table among the resources, unless there is one already. */
const TABLE = 'TokenTable'
/** Names under which a file may hold a secret. */
const SECRET = /^environment$|secret|password|token|credential|api_?key/i
/** A shorter text may be a part of any word, and can hardly be a secret. */
const MIN_SECRET = 6
/** The variable that holds the table's name. */
const VARIABLE = 'TOKEN_TABLE'

/** Options of `init`. */
export interface InitOptions {
  readonly service: string
  readonly yes?: true | undefined
}

/**
 * Adds what warmtoken needs to a service file: the table, the rights on it, and the variable with its name. Shows the
 * difference first, and asks. What is there already stays as it is, so a second run changes nothing.
 */
export async function init(context: Context, { service: file, yes }: InitOptions): Promise<void> {
  const { terminal, cwd } = context
  const path = resolve(cwd, file)
  const service = await readService(path)
  if (service === undefined)
    throw new OperatorError(
      `there is no ${file} here; run it in the folder of your service, or name the file: --service <file>`,
    )
  const changed = textWith(service)
  if (changed === service.text) {
    terminal.result({ file, changed: false, diff: '' }, () => [
      `${file} has all that warmtoken needs; nothing to change.`,
    ])
    return
  }
  const patch = createTwoFilesPatch(file, file, service.text, changed, '', '', { context: 3 })
  const diff = secretsOf(service.data).reduce((text, secret) => text.replaceAll(secret, '…'), patch)
  terminal.result({ file, changed: true, diff }, () => diff.trimEnd().split('\n').map(colored(terminal)))
  if (yes !== true) {
    if (!terminal.isInteractive)
      throw new OperatorError(
        'nothing was written: this is not an interactive terminal; use --yes to write the change',
        EXIT.usage,
      )
    if (!/^y(es)?$/i.test(await terminal.ask('Write this change? (y/N)')))
      throw new OperatorError('nothing was written')
  }
  await replaceFile(path, service.text, changed)
  terminal.note(`Written: ${file}\nNext: npm install @warmtoken/core @warmtoken/adapters-aws`)
  terminal.note(`In your code, the variable ${VARIABLE} holds the name of the table for dynamoDBStore.`)
}

/** Texts of the file that the difference must not show: values of variables, and whatever is called a secret. */
function secretsOf(data: unknown, isSecret = false): readonly string[] {
  if (typeof data === 'string')
    return isSecret ? data.split('\n').filter((line) => line.length >= MIN_SECRET && !line.includes('${')) : []
  if (Array.isArray(data)) return data.flatMap((item) => secretsOf(item, isSecret))
  return Object.entries(asFields(data) ?? {}).flatMap(([name, value]) =>
    secretsOf(value, isSecret || SECRET.test(name)),
  )
}

function colored({ style }: Context['terminal']): (line: string) => string {
  return (line) => {
    if (/^\+(?!\+\+)/.test(line)) return style('green', line)
    return /^-(?!--)/.test(line) ? style('red', line) : line
  }
}

/** The text of the file with what is missing in it. */
function textWith({ text, document, data, path }: Service): string {
  if (!isMap(document.contents) || !isMap(document.get('provider')))
    throw new OperatorError(`${path}: it has no "provider"; it must be a service file of the Serverless Framework`)
  const format = formatOf(text)
  const [table] = tablesOf(data)
  const name = table?.[0] ?? TABLE
  const before = document.toString(format)
  if (table === undefined) addTable(document, path)
  const missing = Object.values(RIGHTS).filter((right) => !allows(data, right))
  if (missing.length > 0) addRights(document, { rights: missing, name, path })
  addVariable(document, { name, data, path })
  const after = document.toString(format)
  if (before === after) return text
  return text.includes('\r\n') ? after.replaceAll('\n', '\r\n') : after
}

/** The settings with which a file comes back byte for byte, as far as there are such. */
function formatOf(text: string): ToStringOptions {
  const plain = text.replaceAll('\r\n', '\n')
  const all = [2, 4, 3, 8].flatMap((indent) =>
    [true, false].flatMap((indentSeq) =>
      [false, true].map((flowCollectionPadding) => ({ indent, indentSeq, flowCollectionPadding, lineWidth: 0 })),
    ),
  )
  const fits = (format: ToStringOptions): boolean =>
    parseDocument(plain, { logLevel: 'silent' }).toString(format) === plain
  // Where none fits, the difference that is shown first has the other lines in it too.
  return all.find(fits) ?? { lineWidth: 0, flowCollectionPadding: false }
}

function addTable(document: Document, path: string): void {
  const resource = document.createNode({
    Type: 'AWS::DynamoDB::Table',
    Properties: {
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      TimeToLiveSpecification: { AttributeName: 'keepUntil', Enabled: true },
    },
  })
  const resources = document.get('resources')
  if (isSeq(resources)) {
    const part = document.createNode({ Resources: {} })
    part.setIn(['Resources', TABLE], resource)
    resources.add(part)
    return
  }
  setIn(document, { names: ['resources', 'Resources', TABLE], value: resource, path })
}

interface Named {
  readonly name: string
  readonly path: string
}

function addRights(document: Document, { rights, name, path }: Named & { readonly rights: readonly string[] }): void {
  const statement = document.createNode({ Effect: 'Allow', Action: rights })
  statement.setIn(['Resource'], tagged(document, '!GetAtt', `${name}.Arn`))
  const older = document.getIn(['provider', 'iamRoleStatements'])
  const statements = isSeq(older) ? older : document.getIn(['provider', 'iam', 'role', 'statements'])
  if (isSeq(statements)) statements.add(statement)
  else
    setIn(document, { names: ['provider', 'iam', 'role', 'statements'], value: document.createNode([statement]), path })
}

function addVariable(document: Document, { name, data, path }: Named & { readonly data: unknown }): void {
  const variables = asFields(partOf(data, 'provider', 'environment')) ?? {}
  if (VARIABLE in variables || Object.values(variables).includes(name)) return
  setIn(document, { names: ['provider', 'environment', VARIABLE], value: tagged(document, '!Ref', name), path })
}

function tagged(document: Document, tag: string, text: string): Scalar<string> {
  const node = document.createNode(text)
  node.tag = tag
  return node
}

/** Sets a part, and makes the maps around it. Throws where something else than a map is in the way, such as an include. */
function setIn(
  document: Document,
  { names, value, path }: { readonly names: readonly string[]; readonly value: unknown; readonly path: string },
): void {
  for (let length = 1; length < names.length; length += 1) {
    const part: unknown = document.getIn(names.slice(0, length))
    if (part !== undefined && part !== null && !isMap(part))
      throw new OperatorError(
        `${path}: "${names.slice(0, length).join('.')}" is not a map, so ${names.at(-1)} cannot be added to it; add it by hand, as docs/deploy.md shows. Nothing was written`,
      )
    // An empty name, as in "resources:" alone, is null.
    if (part === null) document.setIn(names.slice(0, length), document.createNode({}))
  }
  document.setIn(names, value)
}

/** Writes the file as a whole, if it is still the one that was shown. */
async function replaceFile(path: string, before: string, after: string): Promise<void> {
  const next = `${path}.${randomUUID()}.tmp`
  try {
    await writeFile(next, after, { mode: (await stat(path)).mode })
    if ((await readFile(path, 'utf8')) !== before)
      throw new OperatorError('nothing was written: the file has changed since it was read; run init again')
    await rename(next, path)
  } finally {
    await rm(next, { force: true })
  }
}
