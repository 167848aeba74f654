import { Graphviz } from '@hpcc-js/wasm-graphviz'
import { GROUND, HOUSE, type Plan, type Room } from './house.ts'

/** Not drawn: `index` only exports again what others hold, and `testing` may import everything. Their arrows hide the rest. */
const NOT_DRAWN = ['index', 'testing']

const PAPER = '#ffffff'
const INK = '#1f2933'
const UPPER = '#e3f2ec'
const LOWER = '#eef1f4'

/** A room of the plan, with its name. */
interface Named extends Room {
  readonly part: string
}

function drawRoom({ part, about }: Pick<Named, 'part' | 'about'>): string {
  const second = about === '' ? '' : `<br/><font point-size="10">${about}</font>`
  return `"${part}" [label=<<b>${part}</b>${second}> fillcolor="${part in GROUND ? LOWER : UPPER}"]`
}

function importsAllGround(imports: readonly string[]): boolean {
  return Object.keys(GROUND).every((one) => imports.includes(one))
}

/** The arrows of a part. One that may import all of the ground needs no arrows to it: the caption says so. */
function drawArrows({ part, imports }: Named): readonly string[] {
  const all = !(part in GROUND) && importsAllGround(imports)
  const drawn = imports.filter((other) => !(all && other in GROUND))
  // An invisible arrow keeps a part above the ground that has no other arrow.
  const anchor = all && drawn.length === 0 ? [`"${part}" -> "lib" [style=invis]`] : []
  return [...drawn.map((other) => `"${part}" -> "${other}"`), ...anchor]
}

/** The plan that the architecture test enforces, in the language of Graphviz. */
export function toDot(house: Plan = HOUSE): string {
  const rooms = Object.entries(house)
    .filter(([part]) => !NOT_DRAWN.includes(part))
    .map(([part, room]) => ({ part, ...room }))
  const ground = rooms.filter(({ part }) => part in GROUND)
  const without = rooms.filter(({ part, imports }) => !(part in GROUND) && !importsAllGround(imports))
  const but = without.length === 0 ? '' : `, except ${without.map(({ part }) => part).join(', ')}`
  return [
    'digraph house {',
    `  graph [rankdir=TB nodesep=0.25 ranksep=0.55 bgcolor="${PAPER}" fontname="Arial" fontsize=12 fontcolor="${INK}"]`,
    `  node [shape=box style="filled,rounded" color="#9aa3ad" fontname="Arial" fontsize=13 fontcolor="${INK}" margin="0.36,0.08"]`,
    '  edge [color="#5b6773" arrowsize=0.7]',
    '  subgraph cluster_ground {',
    `    label="the ground: every part above may import it${but}" labelloc=b margin=16 style="rounded" color="#9aa3ad"`,
    ...ground.map((room) => `    ${drawRoom(room)}`),
    `    { rank=same; ${ground.map(({ part }) => `"${part}"`).join(' ')} }`,
    '  }',
    ...rooms.filter(({ part }) => !(part in GROUND)).map((room) => `  ${drawRoom(room)}`),
    ...rooms.flatMap(drawArrows).map((arrow) => `  ${arrow}`),
    '}',
    '',
  ].join('\n')
}

/** The same as SVG. */
export async function drawHouse(): Promise<string> {
  const graphviz = await Graphviz.load()
  const svg = graphviz.dot(toDot())
  // The version of Graphviz in a comment would change the file without changing the picture.
  return `${svg
    .slice(svg.indexOf('<svg'))
    .replaceAll(/<!--[\s\S]*?-->\n?/g, '')
    .trim()}\n`
}
