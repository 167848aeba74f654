import { ConfidentialClientApplication } from '@azure/msal-node'

/** What a handler would call. */
export const client: unknown = new ConfidentialClientApplication({ auth: { clientId: 'crm', clientSecret: 'none' } })
