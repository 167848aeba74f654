/** The project's `serverless.yml`: the text for `init`, the data for `doctor`. It is parsed, never run. @module */

import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { asFields } from '@warmtoken/core/adapter'
import { type Document, parseDocument } from 'yaml'
import { OperatorError } from './exit.ts'

/** How deep files may include each other. */
const MAX_DEPTH = 5
/** `${file(path)}` or `${file(path):name.name}`, alone in a value. */
const INCLUDE = /^\$\{file\(([^()]+)\)(?::([\w.-]+))?\}$/

/** A service file. */
export interface Service {
  readonly path: string
  readonly text: string
  readonly document: Document.Parsed
  /** Its data, with the files that it includes in their places. Variables of the framework stay as they are. */
  readonly data: unknown
}

/** Reads a service file; `undefined` when there is none. Throws for one that is not whole, by line and column. */
export async function readService(path: string): Promise<Service | undefined> {
  const text = await readIfThere(path)
  if (text === undefined) return undefined
  const document = parse(text, path)
  return { path, text, document, data: await withIncludes(document.toJS(), dirname(path), MAX_DEPTH) }
}

/** A part of the data by its names; `undefined` when one is missing. */
export function partOf(data: unknown, ...names: readonly string[]): unknown {
  return names.reduce((part, name) => asFields(part)?.[name], data)
}

function parse(text: string, path: string): Document.Parsed {
  // A tag such as !Ref has no meaning here, and is kept.
  const document = parseDocument(text, { logLevel: 'silent', keepSourceTokens: true })
  const [error] = document.errors
  if (error === undefined) return document
  const { line, col } = error.linePos?.[0] ?? { line: 0, col: 0 }
  // Its message would quote the file, which may hold a secret.
  throw new OperatorError(`${path}:${line}:${col}: not valid YAML (${error.code}); nothing was changed`)
}

async function withIncludes(value: unknown, folder: string, depth: number): Promise<unknown> {
  if (typeof value === 'string') {
    const [, name, at] = INCLUDE.exec(value) ?? []
    if (name === undefined || depth === 0) return value
    const path = resolve(folder, name)
    const text = /\.(ya?ml|json)$/.test(path) ? await readIfThere(path) : undefined
    if (text === undefined) return value
    const data = partOf(parse(text, path).toJS(), ...(at?.split('.') ?? []))
    return withIncludes(data, folder, depth - 1)
  }
  if (Array.isArray(value)) return Promise.all(value.map((item) => withIncludes(item, folder, depth)))
  const fields = asFields(value)
  if (fields === undefined) return value
  const entries = Object.entries(fields).map(
    async ([name, part]) => [name, await withIncludes(part, folder, depth)] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
