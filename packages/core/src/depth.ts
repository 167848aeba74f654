/** JSON of sources nests no deeper than this. In a file of its own a bundler puts it where it is used. */
export const MAX_DEPTH = 16
