import { tokenBy } from './token.ts'

/** The token by the file tier. */
export function main(): Promise<string> {
  return tokenBy({ directory: process.env['BENCH_FOLDER'] ?? '' })
}
