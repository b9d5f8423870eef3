/**
 * The template of a statement whose text is made when its file is loaded, because names of columns cannot be
 * parameters: `parts` are what stands before, between and after the parameters. Never put a value into them.
 */
export function template(...parts: string[]): TemplateStringsArray {
  return Object.assign(parts, { raw: parts });
}
