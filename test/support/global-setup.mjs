import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DefaultLogger } from '@temporalio/worker'
import { buildWorkflowBundle } from '../../src/worker/workflow-bundle.ts'

/** Bundles the workflows once for all workers that the tests start: each would take seconds for it. */
export default async function setUp() {
  const folder = await mkdtemp(join(tmpdir(), 'workflow-bundle-'))
  process.env.WORKFLOW_BUNDLE = join(folder, 'workflow-bundle.js')
  await buildWorkflowBundle(process.env.WORKFLOW_BUNDLE, new DefaultLogger('ERROR'))
}
