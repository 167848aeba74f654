// Runs a bundle of the benchmark of cold starts in a process of its own and says what it loaded. Argument: the bundle.
function loadList(): readonly string[] {
  return (process as unknown as { moduleLoadList: readonly string[] }).moduleLoadList
}

const atStart = new Set(loadList())
const { main } = (await import(process.argv[2] ?? '')) as { readonly main?: () => Promise<string> }
const token = await main?.()
// Before anything is printed, which loads more.
const modules = loadList().filter((name) => name.startsWith('NativeModule ') && !atStart.has(name))
const names = modules.map((name) => name.replace('NativeModule ', ''))
process.stdout.write(JSON.stringify({ token, modules: names }), () => process.exit(0))
