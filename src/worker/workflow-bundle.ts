import { writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, type Logger, type WorkerOptions } from '@temporalio/worker'

// With the ending of this file: `.ts` in the sources, `.js` where they are compiled.
const WORKFLOWS = fileURLToPath(import.meta.resolve(`../../workflows/index${extname(import.meta.filename)}`))

/** Where a worker takes its workflows from: a bundle that was built before, or else the sources, bundled at its start. */
export function workflowSource(
  bundleFile: string | undefined,
): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  return bundleFile === undefined
    ? { workflowsPath: WORKFLOWS }
    : { workflowBundle: { codePath: bundleFile } }
}

/** Builds the bundle, which takes seconds, so that workers start without. */
export async function buildWorkflowBundle(file: string, logger?: Logger): Promise<void> {
  const { code } = await bundleWorkflowCode({ workflowsPath: WORKFLOWS, ...(logger && { logger }) })
  await writeFile(file, code)
}
