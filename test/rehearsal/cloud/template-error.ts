/** What CloudFormation would refuse a template for, or what this stand-in does not know and so cannot vouch for. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
}
