/** A bundle with nothing in it. */
export const nothing = 0
