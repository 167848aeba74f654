/**
 * The most that a memory or file hit may load, minified, in bytes: Middy (3.0 KB), what esbuild puts beside any bundle
 * with the SDK in it (0.6 KB), the middleware, the hit path of the engine, the file tier, one source and one store with
 * the checks of their options. It may only fall; 72 bytes were added for Deno and Workers, 1,350 for what protects a file: the
 * instants that are sealed with a value, and a checksum; 150 for the hooks of guarded values;
 * 330 so that a codec that hangs on a file takes no longer than the call has.
 */
export const BUDGET = 20_980

/** The most that Middy, core, the middleware and the definition of the source may take of it. */
export const CORE_BUDGET = 18_820
