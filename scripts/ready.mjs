// Runs before every script. pnpm only warns when an install on demand fails and then starts the script anyway,
// so this says plainly what is missing instead of letting a stack trace say it.
import { existsSync } from 'node:fs'

const major = Number(process.versions.node.split('.')[0])
const installed = existsSync(new URL('../node_modules/.modules.yaml', import.meta.url))
if (!installed || major < 24) {
  console.error(
    `warmtoken: the install did not finish (${installed ? `Node ${process.versions.node} is running, 24 is expected from node_modules` : 'node_modules is missing'}).\n` +
      'Look at the lines above, then run: npx -y pnpm@12.21.0 install',
  )
  process.exit(1)
}
