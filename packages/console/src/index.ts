/**
 * The page of the admin function, as texts: a bundler takes it into the function like any other module, so there are no
 * files to copy.
 *
 * @example
 * ```ts
 * export const handler = createAdmin({ store, inventory, page })
 * ```
 *
 * @module
 */

import { files } from '#built'

/** The files of the page by name: `index.html`, and its script, style and icon, whose names change with their text. */
export const page: { readonly [name: string]: { readonly type: string; readonly text: string } } = files
