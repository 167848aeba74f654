import { CommanderError, InvalidArgumentError } from 'commander'
import type { IssuerClient } from '../issuer.ts'

/** Reads a whole number within a range. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
    }
    return value
  }
}

/** Reads a text that is not empty. */
export function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.')
  return text
}

/** Gathers the values of an option that may be repeated. */
export function collect(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, parseText(text)]
}

/** Reads the address of a local server, without a path. */
export function parseHttpUrl(text: string): string {
  if (!/^http:\/\/[^/]+\/?$/.test(text)) {
    throw new InvalidArgumentError('It must be an http URL without a path, e.g. http://127.0.0.1:8000.')
  }
  return text.replace(/\/$/, '')
}

/** Gathers clients given as `ID:SECRET`. */
export function parseClient(text: string, earlier: readonly IssuerClient[] = []): readonly IssuerClient[] {
  const [, id, secret] = /^([^:]+):(.+)$/s.exec(text) ?? []
  if (id === undefined || secret === undefined) {
    // Not an InvalidArgumentError, to whose message commander adds the text, which may be a secret.
    const message = 'option --client <id:secret> is invalid. It must be the id, a colon and the secret.'
    throw new CommanderError(1, 'warmtoken.client', message)
  }
  return [...earlier, { id, secret }]
}
