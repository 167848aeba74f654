import { matches } from '../lib/parse.ts'
import { systemCodeOf } from '../lib/system-code.ts'

/** How many frames of a stack are shown. */
const MAX_FRAMES = 10
/** A frame whose place is a file. What stands before the place may be a name made at run time, so it is not shown. */
const FRAME = /^ {4}at (?:.* )?\(?((?:file:\/\/\/|\/|node:|[A-Za-z]:[\\/])[^()\n]*:\d+:\d+)\)?$/
/**
 * What may be shown of an error that a source of your own threw: its class, a system's code, and where it was thrown.
 * Never its message or its properties, which may quote a secret.
 */
export function shownCause(error: unknown): Error {
  const shown = new Error(describe(error))
  shown.name = classOf(error)
  shown.stack = [`${shown.name}: ${shown.message}`, ...framesOf(error)].join('\n')
  return shown
}

function describe(error: unknown): string {
  const required = error instanceof Error ? /^Dynamic require of "([^"]+)" is not supported$/.exec(error.message) : null
  if (required !== null) {
    const name = required[1] ?? ''
    const isBuiltin = process.getBuiltinModule('module').isBuiltin(name)
    return `dynamic require of ${isBuiltin ? `"${name}"` : 'a package'} in an ES module bundle; define "require" in the bundler's banner by createRequire, or leave the package out of the bundle`
  }
  const code = systemCodeOf(error)
  return `${code === undefined ? '' : `${code}; `}its message is not shown, it could hold a secret`
}

/** The name of the class as it is declared; `name` can be set to anything. */
function classOf(error: unknown): string {
  const name: unknown = error instanceof Error ? error.constructor?.name : typeof error
  return matches(name, /^[A-Za-z_$][\w$]{0,63}$/) ? name : 'Error'
}

/** Places of the frames. A message may look like frames itself: its lines are left out. */
function framesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return []
  const { stack, message } = error
  const start = stack.indexOf(message)
  const frames = (start < 0 ? '' : stack.slice(start + message.length)).split('\n')
  return frames
    .flatMap((line) => FRAME.exec(line)?.[1] ?? [])
    .slice(0, MAX_FRAMES)
    .map((place) => `    at ${place}`)
}
