import { postgresStore } from './postgres-store.ts'

const { DATABASE_URL = '' } = process.env
// Removing a million rows takes longer than an answer may.
const store = postgresStore({ connectionString: DATABASE_URL, query_timeout: 60_000 })

/** For a schedule, such as once an hour. */
export const handler = () => store.sweep()
