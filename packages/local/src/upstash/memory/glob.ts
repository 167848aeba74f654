/** Turns one of Redis's glob patterns (`*`, `?`, `[a-c]`, `[^a]`, backslash) into a regular expression. */
export function globPattern(glob: string): RegExp {
  const tokens = glob.match(/\\.|\[\^?(?:\\.|[^\]\\])*\]|./gs) ?? []
  return new RegExp(`^${tokens.map(translate).join('')}$`, 's')
}

function translate(token: string): string {
  if (token === '*') return '.*'
  if (token === '?') return '.'
  if (token.length > 1 && token.startsWith('[')) return translateSet(token.slice(1, -1))
  return hex(token.slice(-1))
}

function translateSet(content: string): string {
  const negated = content.startsWith('^')
  const members = (negated ? content.slice(1) : content).match(/(?:\\.|.)(?:-(?:\\.|.))?/gs) ?? []
  if (members.length === 0) return negated ? '.' : '(?!)'
  return `[${negated ? '^' : ''}${members.map(translateMember).join('')}]`
}

function translateMember(member: string): string {
  const ends = (member.match(/\\.|./gs) ?? []).map((end) => end.slice(-1))
  if (ends.length < 3) return ends.map(hex).join('')
  // A range may be written backward in Redis.
  const [first = '', , last = ''] = ends
  return first < last ? `${hex(first)}-${hex(last)}` : `${hex(last)}-${hex(first)}`
}

function hex(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}
