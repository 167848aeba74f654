/** A module as minified text for browsers: see `infra/browser-text.ts`. */
declare module '*?browser' {
  const text: string
  export default text
}
