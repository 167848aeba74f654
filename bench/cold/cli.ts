// `pnpm bench cold`: a new process, until its bundle is loaded and until it has a token.
import { readCommand } from '../run/command.ts'
import { measureCold } from './measure.ts'
import { tell } from './results.ts'
import { EMPTY, EMPTY_BARE, firsts, loads } from './variants.ts'

const { flags } = readCommand({ name: 'pnpm bench cold', flags: ['rounds'] })
const [rounds = 21] = flags.get('rounds') ?? []
await tell({ ...(await measureCold([EMPTY, EMPTY_BARE, ...loads, ...firsts], rounds)), rounds })
