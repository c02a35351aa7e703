import type { Explain } from './explain.ts'
import type { Fault, Inspection, Resource } from './resource.ts'

/** What came of one thing. */
export interface SetupOutcome {
  readonly state: 'created' | 'changed' | 'unchanged' | 'would create' | 'would change' | 'failed'
  readonly thing: string
  readonly detail: string
  /** What is not as it should be, with what to do: why it failed, or a warning. */
  readonly fault?: Fault
}

/**
 * Makes one thing, or brings it up to date; does nothing when it is right.
 * @param options.dryRun only says what would be done
 * @returns `failed` rather than an error, so that the other things are made all the same
 */
export async function apply(
  resource: Resource,
  options: { readonly dryRun: boolean; readonly explain: Explain },
): Promise<SetupOutcome> {
  const { thing, detail, api } = resource
  try {
    return { thing, detail, ...(await settle(resource, options.dryRun)) }
  } catch (error) {
    return { thing, detail, state: 'failed', fault: options.explain(error, `make the ${thing}`, api) }
  }
}

async function settle(resource: Resource, dryRun: boolean): Promise<Pick<SetupOutcome, 'state' | 'fault'>> {
  const inspection = await resource.inspect()
  switch (inspection.state) {
    case 'right':
      return { state: 'unchanged', ...(inspection.warning && { fault: inspection.warning }) }
    case 'wrong':
      return { state: 'failed', fault: inspection.fault }
    case 'missing':
      if (dryRun) return { state: 'would create' }
      return { state: (await mend(resource, inspection)) ? 'created' : 'unchanged' }
    case 'differs':
      if (dryRun) return { state: 'would change' }
      return { state: (await mend(resource, inspection)) ? 'changed' : 'unchanged' }
  }
}

/** @returns false when somebody else, such as another set-up, made it right at the same time and was faster */
async function mend(
  resource: Resource,
  inspection: Extract<Inspection, { mend: unknown }>,
): Promise<boolean> {
  try {
    await inspection.mend()
    return true
  } catch (error) {
    const now = await resource.inspect().catch(() => inspection)
    if (now.state !== 'right') throw error
    return false
  }
}

/**
 * The same for a caller that cannot go on without it.
 * @throws Error when it cannot be made, or is wrong in a way that only somebody can mend
 */
export async function ensure(resource: Resource): Promise<void> {
  const { state, fault } = await settle(resource, false)
  if (state === 'failed') throw new Error(`${fault?.finding} ${fault?.remedy}`)
}
