import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto'

/** A secret that is recognized wherever a part of it shows up. */
export interface Mark {
  /** What it is, for the complaint. */
  readonly name: string
  /** The secret itself. */
  readonly text: string
  /** Parts of it, each long enough to be nothing else. One of them in any writing is a leak. */
  readonly cores: readonly string[]
}

/** Letters and digits only, so that a part is the same in most writings. */
function word(): string {
  return randomBytes(60)
    .toString('base64url')
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, 9)
}

/** A secret of printable characters, with all those between its parts that some writing would escape. */
export function mark(name: string): Mark {
  const cores = [word(), word(), word()]
  return { name, text: cores.join('+/"\\%&= '), cores }
}

function parts(text: string, length: number): readonly string[] {
  return text.match(new RegExp(`.{${length}}`, 'g')) ?? []
}

/** A signed assertion, as it was seen on its way: its signature is what must not be seen elsewhere. */
export function assertionMark(jwt: string): Mark {
  return {
    name: 'assertion',
    text: jwt,
    cores: parts(jwt.split('.')[2] ?? '', 16).slice(0, 4),
  }
}

/** A private key. Its last lines, for the first are public, and its private numbers. */
export function keyMark(name: string): Mark {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const text = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const { d = '', p = '', q = '' } = createPrivateKey(text).export({ format: 'jwk' })
  const lines = text.split('\n').filter((line) => !line.startsWith('-'))
  const cores = [...lines.slice(-8), ...[d, p, q].flatMap((number) => parts(number, 24).slice(1, 3))]
  return { name, text, cores: cores.map((core) => core.slice(0, 24)).filter((core) => core.length === 24) }
}

/** What stays the same of a part's base64, wherever in the bytes it begins. */
function base64(core: string): readonly string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.from(`${'x'.repeat(before)}${core}`)
      .toString('base64')
      .replace(/=+$/, '')
    return text.slice(Math.ceil((before * 4) / 3), -1)
  })
}

function bytes(core: string, show: (byte: number) => string, between: string): string {
  return [...Buffer.from(core)].map(show).join(between)
}
function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

/** Every writing of a part that is looked for; those of bytes in numbers in lower case, for there case means nothing. */
export function writingsOf(core: string): readonly (readonly [how: string, written: string])[] {
  return [
    ['raw', core],
    ...base64(core).map((text) => ['base64', text] as const),
    ...base64(core).map((text) => ['base64url', text.replaceAll('+', '-').replaceAll('/', '_')] as const),
    ['percent', encodeURIComponent(core)],
    ['hex', bytes(core, hex, '')],
    ['hex of a buffer', bytes(core, hex, ' ')],
    ['bytes', bytes(core, String, ', ')],
    ['bytes in JSON', bytes(core, String, ',')],
    ['percent of all', bytes(core, (byte) => `%${hex(byte)}`, '')],
    ['JSON escapes', bytes(core, (byte) => `\\u00${hex(byte)}`, '')],
  ]
}

/** Which of the marks show in a text, and how they are written there. */
export function search(text: string, marks: readonly Mark[]): readonly string[] {
  const low = text.toLowerCase()
  return marks.flatMap(({ name, cores }) => {
    const found = new Set(
      cores.flatMap((core) =>
        writingsOf(core).flatMap(([how, written]) => (text.includes(written) || low.includes(written) ? [how] : [])),
      ),
    )
    return [...found].map((how) => `${name}, ${how}`)
  })
}
