import { tokenBy } from './token.ts'

/** The token by the file tier. */
export const main = (): Promise<string> => tokenBy({ directory: process.env['BENCH_FOLDER'] ?? '' })
