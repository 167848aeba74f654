import Redlock from 'redlock'

/** See redis.ts. */
export { Redlock }
