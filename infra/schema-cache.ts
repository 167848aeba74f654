import { fileURLToPath } from 'node:url'

// The framework compiles its check of serverless.yml once and keeps that for the next command: in the home folder,
// unless this variable names another place.
process.env['SLS_SCHEMA_CACHE_BASE_DIR'] ??= fileURLToPath(new URL('../node_modules/.cache', import.meta.url))
