import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Deletes what the set-up has built. */
export default async function tearDown() {
  await rm(dirname(process.env.WORKFLOW_BUNDLE), { recursive: true, force: true })
}
