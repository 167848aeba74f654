/** What `app/build.ts` writes to `dist/built.js`: the files of the page by name. */
export declare const files: { readonly [name: string]: { readonly type: string; readonly text: string } }
