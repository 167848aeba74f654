import suite from '@keyv/test-suite'
import { createCache } from '@warmtoken/core/data'
import { keyvStore } from '@warmtoken/core/keyv'
import { memoryStore } from '@warmtoken/core/memory'
import { Keyv } from 'keyv'
import * as vitest from 'vitest'

const cache = createCache({ name: 'keyv', store: memoryStore(), recheck: 0, onEvent: () => {} })
const { opts } = keyvStore(cache)

// Every test of the official suite, on a new store of the same cache each time.
suite(vitest as never, Keyv as never, () => Object.assign(keyvStore(cache), { opts }) as never)
