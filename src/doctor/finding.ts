import type { Explain } from '../setup/explain.ts'
import type { Fault, Resource } from '../setup/resource.ts'

/** What one check came to, as it is printed. */
export interface Finding {
  readonly state: 'ok' | 'fault' | 'skipped'
  /** One sentence, or the name of what is as it should be. */
  readonly says: string
  /** The command or step that mends a fault. */
  readonly remedy?: string
}

/** All that the checks share. */
export interface Examiner {
  readonly explain: Explain
  readonly project: string
  /** E-mail address of whoever calls Google. */
  readonly account: string | undefined
}

/** What set-up would mend. */
const SETUP = 'average-speed setup'

export function ok(says: string): Finding {
  return { state: 'ok', says }
}

export function fault({ finding, remedy }: Fault): Finding {
  return { state: 'fault', says: finding, remedy }
}

export function skipped(says: string): Finding {
  return { state: 'skipped', says }
}

/** Looks at a thing that set-up makes. */
export async function examine(resource: Resource, explain: Explain): Promise<Finding> {
  const { thing, detail, api } = resource
  try {
    const inspection = await resource.inspect()
    switch (inspection.state) {
      case 'right':
        return inspection.warning ? fault(inspection.warning) : ok(`${thing} (${detail})`)
      case 'wrong':
        return fault(inspection.fault)
      default:
        return fault({ finding: inspection.finding, remedy: SETUP })
    }
  } catch (error) {
    return fault(explain(error, `look at the ${thing}`, api))
  }
}

/** Looks at things that stand on each other: after a fault the rest is skipped. */
export async function examineInTurn(
  checks: readonly (() => Promise<Finding>)[],
  rest: string,
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const check of checks) {
    const finding = await check()
    findings.push(finding)
    if (finding.state === 'fault' && findings.length < checks.length) return [...findings, skipped(rest)]
  }
  return findings
}
