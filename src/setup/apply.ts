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
    return { thing, detail, ...(await settle(await resource.inspect(), options.dryRun)) }
  } catch (error) {
    return { thing, detail, state: 'failed', fault: options.explain(error, `make the ${thing}`, api) }
  }
}

async function settle(
  inspection: Inspection,
  dryRun: boolean,
): Promise<Pick<SetupOutcome, 'state' | 'fault'>> {
  switch (inspection.state) {
    case 'right':
      return { state: 'unchanged', ...(inspection.warning && { fault: inspection.warning }) }
    case 'wrong':
      return { state: 'failed', fault: inspection.fault }
    case 'missing':
      if (dryRun) return { state: 'would create' }
      await inspection.mend()
      return { state: 'created' }
    case 'differs':
      if (dryRun) return { state: 'would change' }
      await inspection.mend()
      return { state: 'changed' }
  }
}

/**
 * The same for a caller that cannot go on without it.
 * @throws Error when it cannot be made, or is wrong in a way that only somebody can mend
 */
export async function ensure(resource: Resource): Promise<void> {
  const { state, fault } = await settle(await resource.inspect(), false)
  if (state === 'failed') throw new Error(`${fault?.finding} ${fault?.remedy}`)
}
