import './schema-cache.ts'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Plugin, Serverless } from './serverless.ts'

/**
 * Serverless plugin: writes one zip per function to the `package.artifact` that `serverless.yml` names. Because the
 * artifact is named there, neither the framework's own packaging nor Serverless 4's built-in bundler touches it.
 */
export default function BundlePlugin(serverless: Serverless): Plugin {
  const write = async (): Promise<void> => {
    // Loaded here, because this file is loaded for every command, `serverless info` too.
    const [{ bundle, entryOf }, { zip }] = await Promise.all([import('./bundle.ts'), import('./zip.ts')])
    const root = serverless.serviceDir
    for (const [name, { handler, package: packaging }] of Object.entries(serverless.service.functions)) {
      if (packaging?.artifact === undefined) throw new Error(`serverless.yml: ${name} names no package.artifact`)
      const { files } = await bundle(root, [entryOf(handler)])
      const artifact = resolve(root, packaging.artifact)
      await mkdir(dirname(artifact), { recursive: true })
      await writeFile(artifact, zip(files))
    }
  }
  return {
    hooks: {
      'before:package:createDeploymentArtifacts': write,
      'before:deploy:function:packageFunction': write,
    },
  }
}
