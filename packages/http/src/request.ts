import { failure } from './failure.ts'

/** A request. */
export interface Request {
  /** Its method: nothing else is sent here. */
  readonly method: 'POST'
  /** The path with the query, as a URL has them. */
  readonly path: string
  /**
   * Its headers, by names in lower case. `host`, `connection` and `content-length` are written by this package, whatever is
   * said here.
   */
  readonly headers: Readonly<Record<string, string>>
  /** What is sent, as UTF-8. */
  readonly body: string
}

const PATH = /^\/[!-~]*$/
/** In lower case, so that no header is there twice. */
const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
/** No line's end, nothing that is not ASCII: the text of a request is sent as UTF-8. */
const VALUE = /^[\t -~]*$/
/** These would tell of another end than that of the body, or make something else of the connection. */
const OURS: readonly string[] = ['transfer-encoding', 'trailer', 'te', 'upgrade', 'expect']

function refused(message: string): Error {
  return failure('RequestRefused', message)
}

/** The text of a request to a host. Throws, without a word of what it holds, when another request could be read in it. */
export function textOf({ method, path, headers, body }: Request, host: string): string {
  // What the compiler knows no better is told to a server word for word.
  if (method !== 'POST') throw refused('the method of a request is POST')
  if (!PATH.test(path)) throw refused('the path of a request is none')
  let text = `POST ${path} HTTP/1.1\r\n`
  const framing = { host, connection: 'keep-alive', 'content-length': `${Buffer.byteLength(body)}` }
  for (const [name, value] of Object.entries({ ...headers, ...framing })) {
    if (!NAME.test(name) || OURS.includes(name)) throw refused('a header of a request has a name that is not allowed')
    if (!VALUE.test(value)) throw refused('a header of a request holds a character that is not allowed')
    text += `${name}: ${value}\r\n`
  }
  return `${text}\r\n${body}`
}
