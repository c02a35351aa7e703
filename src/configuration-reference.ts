import { type Variable, type VariableGroup, variableGroups } from './variable-groups.ts'

/** The text of `docs/configuration.md`: every variable, made from the schema that the processes check it with. */
export function configurationReference(): string {
  return [
    '# Configuration',
    '',
    'Every variable that the processes read. They are read once, at the start, and checked whole: a process with a fault in its',
    'configuration does not start, and names every fault at once. A variable that is set to nothing counts as absent.',
    '',
    'This page and `.env.example` are written by `npm run configuration` from `src/variables.ts`; a test compares them.',
    ...variableGroups().flatMap(section),
    '',
  ].join('\n')
}

function section({ title, variables }: VariableGroup): string[] {
  return [
    '',
    `## ${title}`,
    '',
    '| variable | what it is | default | allowed |',
    '| --- | --- | --- | --- |',
    ...variables.map(row),
  ]
}

function row(variable: Variable): string {
  const [what = '', stated] = variable.description.split(/; default: /)
  const fallback =
    variable.default !== undefined
      ? `\`${variable.default}\``
      : (stated ?? (variable.required ? 'required' : ''))
  return `| \`${variable.name}\` | ${cell(what)} | ${cell(fallback)} | ${cell(allowed(variable))} |`
}

function allowed({ pattern, minimum, maximum, anyOf }: Variable): string {
  if (anyOf !== undefined) return anyOf.map((option) => `\`${option.const}\``).join(', ')
  if (pattern !== undefined) return `\`${pattern}\``
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`
  if (minimum !== undefined) return `${minimum} or more`
  return ''
}

/** A bar would end the cell, also within code. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
