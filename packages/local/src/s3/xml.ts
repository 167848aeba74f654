const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}

/** One element with text content. */
export function element(name: string, text: string | number | boolean): string {
  return `<${name}>${escapeText(String(text))}</${name}>`
}

/** One element that contains other elements, already rendered. */
export function parent(name: string, children: readonly string[]): string {
  return `<${name}>${children.join('')}</${name}>`
}

/** A whole document; `namespaced` adds S3's namespace, which error documents lack. */
export function xmlDocument(root: string, children: readonly string[], namespaced = false): string {
  const attribute = namespaced ? ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"' : ''
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${children.join('')}</${root}>`
}

/**
 * Contents of every element of that name, in order. Enough for the two flat documents S3 takes (the objects to delete,
 * the parts to join), where no element contains another of its own name; a general parser would be a dependency.
 */
export function contentsOf(name: string, xml: string): readonly string[] {
  const pattern = new RegExp(`<(?:\\w+:)?${name}(?:\\s[^>]*)?>([\\s\\S]*?)</(?:\\w+:)?${name}\\s*>`, 'g')
  return [...xml.matchAll(pattern)].map((match) => match[1] ?? '')
}

/** Decoded text of the first element of that name, or undefined. */
export function textOf(name: string, xml: string): string | undefined {
  const content = contentsOf(name, xml)[0]
  return content === undefined ? undefined : unescapeText(content.trim())
}

function escapeText(text: string): string {
  return text.replace(/[&<>"\r]/g, (character) => ESCAPES[character] ?? character)
}

function unescapeText(text: string): string {
  return text.replace(/&(#x[\da-f]{1,6}|#\d{1,7}|\w+);/gi, (whole: string, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? whole
    const point = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}
