import type { Image } from '@warmtoken/core'

/** An object's name: no character that a path could give a meaning to, `.` and `..` included. */
export const objectName = (prefix: string, key: string): string =>
  prefix + encodeURIComponent(key).replaceAll('.', '%2E')

/** An object's text: the tag is inside, for an ETag is a hash of the content or, encrypted, of nothing one knows. */
export const textOf = ({ body, tag }: Pick<Image, 'body' | 'tag'>): string => `${tag}\n${body}`

/** The image in an object. One without a first line was written by somebody else: an image that no tag can match. */
export const imageOf = (text: string, mark: string | undefined): Image => {
  const end = text.indexOf('\n')
  return { body: text.slice(end + 1), tag: text.slice(0, Math.max(0, end)), ...(mark !== undefined && { mark }) }
}
