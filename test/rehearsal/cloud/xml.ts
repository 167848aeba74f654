/** What an answer in XML is made of: texts, objects whose members become elements, lists of which each is a `member`. */
export type Xml = string | number | boolean | undefined | readonly Xml[] | { readonly [name: string]: Xml }

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** The elements of an answer. What is undefined is left out. */
export function toXml(value: Xml): string {
  if (value === undefined) return ''
  if (isArray(value)) return value.map((one) => `<member>${toXml(one)}</member>`).join('')
  if (typeof value !== 'object') return String(value).replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character)
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([name, inner]) => `<${name}>${toXml(inner)}</${name}>`)
    .join('')
}

function isArray(value: Xml): value is readonly Xml[] {
  return Array.isArray(value)
}
