/** A bundle gives the names of a CommonJS module only to who imports them at its start. */
export { Redis } from 'ioredis'
