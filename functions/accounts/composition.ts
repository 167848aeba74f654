import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createSessions } from '@warmtoken/core/sessions'
import { createUsers } from './users.ts'

// The composition root of the accounts: the one place that reads the environment.
const table = process.env['TOKEN_TABLE']
if (!table) throw new Error('The environment variable TOKEN_TABLE is missing or empty')
const store = dynamoDBStore({ table, env: process.env })

/** What a session knows of its device. */
export interface Device {
  readonly device: string
}

/** What all sessions of a user share. */
export interface Roles {
  readonly roles: readonly string[]
}

/** The sessions of all users. */
export const sessions = createSessions<Device, Roles>({ store })

/** The users. */
export const users = createUsers(store)
