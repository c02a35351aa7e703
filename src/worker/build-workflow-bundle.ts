/** Bundles the workflows into the file that is named, for workers that find it by `WORKFLOW_BUNDLE`. */

import { buildWorkflowBundle } from './workflow-bundle.ts'

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('Name the file to write: build-workflow-bundle FILE')
await buildWorkflowBundle(file)
