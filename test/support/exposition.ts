/** One sample of Prometheus' text format. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?/gy

/** Reads Prometheus' text format. @throws Error with the first line that is not in it */
export function parseExposition(text: string): readonly Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, labels = '', value] = LINE.exec(line) ?? []
      if (name === undefined || value === undefined) throw new Error(`This is not a sample: ${line}`)
      const number = Number(value.replace(/^([+-]?)Inf$/, '$1Infinity'))
      const entries = [...labels.matchAll(LABEL)].map(([, key = '', text = '']) => [key, text] as const)
      return { name, labels: Object.fromEntries(entries), value: number }
    })
}

/** What an endpoint serves now. */
export async function scrape(port: string | number): Promise<readonly Sample[]> {
  const reply = await fetch(`http://127.0.0.1:${port}/metrics`)
  if (!reply.ok) throw new Error(`The metrics endpoint answered ${reply.status}.`)
  return parseExposition(await reply.text())
}

/** The sum of the samples of a name that have these labels; 0 without one. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0)
}
