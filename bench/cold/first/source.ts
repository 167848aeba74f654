import { tokenBy } from './token.ts'

/** The token by a source that has it at once, and so all that the toolkit itself takes: nothing is anywhere. */
export function main(): Promise<string> {
  return tokenBy({ directory: false })
}
