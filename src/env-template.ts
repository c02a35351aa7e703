import { type Variable, variableGroups } from './variable-groups.ts'

/** The text of `.env.example`: each variable once, with what it is for, its unit and its default. */
export function envTemplate(): string {
  return [
    '# Copy to .env and fill in. A variable without a value has the default that is named; "required" ones have none.',
    ...variableGroups().flatMap(({ title, variables }) => ['', `## ${title}`, ...variables.flatMap(entry)]),
    '',
  ].join('\n')
}

function entry({ name, description, default: fallback, required }: Variable): string[] {
  const note = fallback !== undefined ? ` Default: ${fallback}` : required ? ' Required.' : ''
  const sentence = `${description.replace(/^./, (letter) => letter.toUpperCase())}.`
  return ['', `# ${sentence}${note}`, `${name}=`]
}
