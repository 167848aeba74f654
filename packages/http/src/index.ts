/**
 * A small, strict client of HTTP/1.1 for one server, over `node:net` and `node:tls`.
 *
 * @module
 */

export type { Answer } from './answer.ts'
export { connectionsTo, type Exchange, type HttpOptions } from './exchange.ts'
export type { Request } from './request.ts'
