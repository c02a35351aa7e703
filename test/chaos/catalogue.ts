import type { Lane, Service } from './lanes.ts'
import { isInCatalogue } from './moments.ts'
import type { RunKind } from './plan.ts'
import { type Arena, carryOut } from './run.ts'

const KINDS: readonly RunKind[] = ['replacing', 'appending', 'bad-data']
const SERVICES: readonly Service[] = ['dataproc', 'storage', 'bigquery']

/**
 * Runs without blows, and compares their calls with the catalogue of moments.
 * @throws Error when they do not keep the invariants, or make a call that the catalogue does not know
 */
export async function checkCatalogue(arena: Arena, lane: Lane): Promise<void> {
  for (const [number, kind] of KINDS.entries()) {
    const { violations } = await carryOut(arena, lane, {
      seed: -1,
      number,
      misses: 0,
      kind,
      strikes: [],
      victim: 0,
    })
    if (violations.length > 0) throw new Error(`A run without blows: ${JSON.stringify(violations)}`)
  }
  const unknown = new Set<string>()
  for (const service of SERVICES) {
    for (const { name, subject } of await lane.calls(service)) {
      if (!isInCatalogue(service, name, subject)) unknown.add(`${service} ${name} ${subject.slice(0, 200)}`)
    }
  }
  if (unknown.size === 0) return
  throw new Error(
    `test/chaos/moments.ts does not know these calls of a clean run; add them:\n${[...unknown].join('\n')}`,
  )
}
