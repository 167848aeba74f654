import type { Sdk } from './sdk.ts'

/** Loads an SDK by name. Each is loaded where it is needed only: eight processes with all of them take their time. */
export const LOAD: Readonly<Record<'msal' | 'feishu' | 'octokit', () => Promise<Sdk>>> = {
  msal: async () => (await import('./msal.ts')).sdk,
  feishu: async () => (await import('./feishu.ts')).sdk,
  octokit: async () => (await import('./octokit.ts')).sdk,
}

/** The SDKs by name. */
export type SdkName = keyof typeof LOAD
