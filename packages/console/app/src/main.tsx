import { render } from 'preact'
import { App } from './app.tsx'
import { watchFleet } from './fleet.ts'

const root = document.querySelector('#page')
if (root === null) throw new Error('there is no #page')
render(<App watch={watchFleet()} />, root)
