import { createAppAuth } from '@octokit/auth-app'

/** What a handler would call. */
export const auth: unknown = createAppAuth({ appId: 1, privateKey: 'none', installationId: 1 })
