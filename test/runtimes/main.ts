import { run } from './program.ts'

// Under Node, Bun and Deno: settings as the only argument, the outcome on the standard output.
console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? ''))))
