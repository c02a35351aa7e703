import { connectTemporal, createBigQuery, createStorage } from '../clients.ts'
import type { SetupConfig } from '../config.ts'
import { apply, type SetupOutcome } from './apply.ts'
import { type Explain, explainer } from './explain.ts'
import { storageResources, temporalResources, warehouseResources } from './resources.ts'
import { temporalFault } from './temporal.ts'

/**
 * Makes all that a deployment needs in its project and in Temporal, one thing after the other; what is there already and
 * right is left alone, so that it may be run at any time.
 * @param options.dryRun only says what would be done
 * @param options.tell is told of each thing as soon as it is settled
 */
export async function setUp(
  config: SetupConfig,
  options: { readonly dryRun: boolean; readonly tell: (outcome: SetupOutcome) => void },
): Promise<readonly SetupOutcome[]> {
  const outcomes: SetupOutcome[] = []
  const tell = (outcome: SetupOutcome): void => {
    outcomes.push(outcome)
    options.tell(outcome)
  }
  const explain = explainer({ project: config.google.project, temporalAddress: config.temporal.address })
  const resources = [
    ...storageResources(createStorage(config.google), config),
    ...warehouseResources(createBigQuery(config.google), config),
  ]
  const failed = new Set<string>()
  for (const resource of resources) {
    const { thing, detail, standsOn } = resource
    const outcome =
      standsOn !== undefined && failed.has(standsOn)
        ? leftAlone({ thing, detail, standsOn })
        : await apply(resource, { dryRun: options.dryRun, explain })
    if (outcome.state === 'failed') failed.add(thing)
    tell(outcome)
  }
  await setUpTemporal(config, { dryRun: options.dryRun, explain, tell })
  return outcomes
}

function leftAlone({
  thing,
  detail,
  standsOn,
}: {
  readonly thing: string
  readonly detail: string
  readonly standsOn: string
}): SetupOutcome {
  const finding = `It was left alone, since the ${standsOn} is not as it must be.`
  return { state: 'failed', thing, detail, fault: { finding, remedy: 'Do what is said there.' } }
}

async function setUpTemporal(
  config: SetupConfig,
  options: {
    readonly dryRun: boolean
    readonly explain: Explain
    readonly tell: (outcome: SetupOutcome) => void
  },
): Promise<void> {
  const { address } = config.temporal
  try {
    const client = await connectTemporal(config.temporal)
    try {
      for (const resource of temporalResources(client, config)) options.tell(await apply(resource, options))
    } finally {
      await client.connection.close()
    }
  } catch (error) {
    const fault = await temporalFault(config.temporal, error)
    options.tell({
      state: 'failed',
      thing: `Temporal at ${address}`,
      detail: 'namespace and schedule',
      fault,
    })
  }
}
