/** A request in any of the forms that Lambda is handed: HTTP API and function URL (2.0), REST API (1.0), WebSocket. @module */

import { asFields, type Fields } from '../lib/parse.ts'

/** A request, as far as authentication looks at it. Nothing in it is trusted but what the gateway decided. */
export interface IncomingRequest {
  /** In capitals; empty where there is none. */
  readonly method: string
  /** The path of the route that the gateway decided on, such as `/items/{id}`; `undefined` where it leaves that to the function. */
  readonly route: string | undefined
  /** The path as it was asked for, without the stage. */
  readonly path: string
  /** All values of a header, by its name in small letters. */
  headers(name: string): readonly string[]
  /** Each `name=value` that was sent as a cookie, however the gateway joined them. */
  readonly cookies: readonly string[]
  /** The ARN of the caller whose signature the gateway has checked. */
  readonly userArn: string | undefined
}

/** Reads an event. What is missing or of a wrong kind counts as not sent. */
export function readRequest(event: unknown): IncomingRequest {
  const fields = asFields(event) ?? {}
  const context = asFields(fields['requestContext']) ?? {}
  const http = asFields(context['http'])
  const headers = (name: string): readonly string[] => headersOf(fields, name)
  return {
    method: (asString(http?.['method']) ?? asString(fields['httpMethod']) ?? '').toUpperCase(),
    route: routeOf(fields, context),
    path: pathOf(fields, context),
    headers,
    cookies: Array.isArray(fields['cookies'])
      ? fields['cookies'].filter((one) => typeof one === 'string')
      : headers('cookie').flatMap((one) => one.split(';')),
    userArn:
      asString(asFields(asFields(context['authorizer'])?.['iam'])?.['userArn']) ??
      asString(asFields(context['identity'])?.['userArn']),
  }
}

function headersOf(fields: Fields, name: string): readonly string[] {
  // REST APIs keep the case that the client sent.
  const many = asFields(fields['multiValueHeaders'])
  const all = Object.entries(many ?? asFields(fields['headers']) ?? {})
  return all.flatMap(([key, value]) =>
    key.toLowerCase() === name ? [value].flat().filter((one) => typeof one === 'string') : [],
  )
}

/** A greedy route and `$default` leave it to the function which paths there are. */
function routeOf(fields: Fields, context: Fields): string | undefined {
  const route = asString(fields['routeKey']) ?? asString(context['routeKey'])
  const path = route === undefined ? asString(fields['resource']) : route.slice(route.indexOf(' ') + 1)
  return path?.startsWith('/') === true && !path.includes('+}') ? path : undefined
}

function pathOf(fields: Fields, context: Fields): string {
  const path = asString(fields['rawPath']) ?? asString(fields['path']) ?? ''
  const stage = asString(context['stage'])
  // In an HTTP API the raw path begins with the stage, unless that is `$default`.
  const isStaged = stage !== undefined && fields['rawPath'] !== undefined && path.startsWith(`/${stage}/`)
  return isStaged ? path.slice(stage.length + 1) : path
}

function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
