import type { OnReadOpts, Socket } from 'node:net'

/** After so long without a word the system asks whether the other side is still there, in ms; as an `Agent` of Node does. */
const PROBE_AFTER = 1_000

/** How much a connection reads at once, in bytes: more than most records have. */
const READ_SIZE = 16 * 1024

const builtin = process.getBuiltinModule

/** Opens a connection, which may be written to at once and gives what comes as it comes. */
export type Connect = (onData: (piece: Buffer) => void) => Socket

/** Makes what opens connections to a server. */
export function opener({ protocol, hostname, port }: URL): Connect {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  if (protocol === 'http:') {
    const { connect } = builtin('node:net')
    return (onData) => prepared(connect({ host, port: Number(port || 80), onread: readInto(onData) }))
  }
  const { connect } = builtin('node:tls')
  const isName = builtin('node:net').isIP(host) === 0
  const fixed = { host, port: Number(port || 443), ALPNProtocols: ['http/1.1'], ...(isName && { servername: host }) }
  // The next handshake is shorter with what the last one left.
  let session: Buffer | undefined
  return (onData) => {
    const settings = { ...fixed, ...(session && { session }), onread: readInto(onData) }
    const socket = connect(settings)
    // Offered again once this connection stands: where it does not, that may be the session's fault.
    const offered = session
    session = undefined
    socket.once('secureConnect', () => {
      session ??= offered
    })
    socket.on('session', (fresh) => {
      session = fresh
    })
    return prepared(socket)
  }
}

function prepared<S extends Socket>(socket: S): S {
  return socket.setNoDelay(true).setKeepAlive(true, PROBE_AFTER)
}

/** Past the stream that a socket is, which costs as much as the rest of an answer. The buffer is read into again. */
function readInto(onData: (piece: Buffer) => void): OnReadOpts {
  return {
    buffer: Buffer.allocUnsafe(READ_SIZE),
    callback(length, buffer) {
      onData(Buffer.from(buffer.subarray(0, length)))
      return true
    },
  }
}
