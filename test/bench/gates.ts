/**
 * What comes out the same each time, held fast. These are what there is now with a little room for another Node; they may
 * only fall. Where a goal of docs/performance is not met yet, the bound is above the goal.
 */

/**
 * Minified bytes that core, the middleware, a source and Middy load at the start. 800 of them bought what protects a file (a
 * checksum, and instants that are sealed with the value), 140 the hook for values that more than time can end.
 */
export const LOADED_BYTES = 19_100
/** Promises that our middleware makes beside those of Middy, with a token in memory. */
export const MIDDLEWARE_PROMISES = 6
/** Bytes that it makes beside those of Middy. */
export const MIDDLEWARE_BYTES = 2_700
/** Bytes that memory keeps for an entry beside its token and key, when the handle is not kept. */
export const ENTRY_BYTES = 400
/** Files that loading core, a source and Middy takes: the function, and what it shares with what is loaded later. */
export const START_FILES = 2
/** Files that a first token by DynamoDB loads without the SDK: these, the engine and the store. */
export const FIRST_TOKEN_FILES = 5
/**
 * Minified bytes of them: each KB takes 0.1 ms. 12 KB came with what damaged records and odd APIs are met with, 500 bytes with
 * what keeps values of caches apart that were found by different looks, or could not be opened. 150 more for swaps in doubt,
 * and 400 so that a store without an answer keeps no token from its callers.
 */
export const FIRST_TOKEN_BYTES = 82_550
