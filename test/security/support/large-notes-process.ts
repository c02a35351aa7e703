/** Meets notes that are too large, as a worker does, and prints how each ends and the most memory that it took, in MiB. */

import { readFile } from 'node:fs/promises'
import { fileAt } from '../../../activities/objects.ts'
import { readJobFailure } from '../../../activities/output.ts'
import type { RunReceipt } from '../../../workflows/contract.ts'
import type { RunPlan } from '../../../workflows/plan.ts'
import type { Attempt, Batch } from '../../../workflows/run-types.ts'
import { activityBench, attemptFor } from '../../support/activities.ts'
import { googleClientsOf } from '../../support/clients.ts'
import { putObject } from '../../support/objects.ts'
import { outcomeOf } from './outcome.ts'

const [, , environment = '{}', ...sources] = process.argv
const env = JSON.parse(environment) as Record<string, string>
const cloud = { env, stateDir: '', get: (name: string) => env[name] ?? '', close: async () => undefined }
const google = googleClientsOf(cloud)
const zones = ['a', 'b']
const { call, plan, settings } = activityBench(cloud, google, {
  cluster: { config: {}, labels: {}, zones },
  polling: { minimum: 2, maximum: 20 },
  settleMs: 2,
})
const state = google.storage.bucket(settings.defaults.stateBucket)
let batches = 0

/** Puts the large object there. @param uri `gs://…` */
async function plant(source: string, uri: string): Promise<void> {
  await state.file(source).copy(fileAt(google.storage, uri))
}

/** A described batch. */
async function described(): Promise<{
  readonly run: RunPlan
  readonly batch: Batch
  readonly attempt: Attempt
}> {
  const run = plan({ rawPath: `large/raw-${++batches}` })
  await putObject(google.storage, `${run.rawPath}a.json`, 'raw')
  return { run, batch: await call('describeRawFiles', [run]), attempt: attemptFor(run) }
}

/** How each place where a note is read takes a large one. */
async function meetAll(source: string): Promise<Readonly<Record<string, string>>> {
  const outcomes: Record<string, string> = {}
  const meet = async (name: string, uri: string, doing: () => Promise<unknown>): Promise<void> => {
    await plant(source, uri)
    outcomes[name] = await outcomeOf(doing)
  }
  const { run, attempt } = await described()
  await meet('manifest', run.manifestUri, () => call('describeRawFiles', [run]))
  await meet('archive place', `${run.notesPath}archive.json`, () => call('describeRawFiles', [run]))
  await meet('claim', `${run.notesPath}claim.json`, () => call('describeRawFiles', [run]))
  const table = `gs://${state.name}/tables/${run.outputTable}/`
  await meet('table state', `${table}state.json`, () => call('claimTable', [run]))
  await meet('table claim', `${table}claim.json`, () => call('releaseTable', [run]))
  await fileAt(google.storage, `${table}claim.json`).delete()
  const deployment = `gs://${state.name}/deployments/${settings.deployment}/`
  await meet('output note', `${deployment}outputs/${attempt.key}.json`, () => call('reapOrphans', []))
  await meet('zone', `${deployment}zone.json`, () => call('prepareRun', [{ rawPath: run.rawPath }]))

  const job = await described()
  const { outputPath } = job.attempt
  const verify = () => call('verifyOutput', [job.run, job.batch, job.attempt])
  await meet('_SUCCESS', `${outputPath}_SUCCESS`, verify)
  await meet('_summary.json', `${outputPath}_summary.json`, verify)
  await meet('_failure.json', `${outputPath}_failure.json`, async () => {
    const { failure } = await readJobFailure(google.storage, job.attempt)
    if (failure !== undefined) throw failure
  })
  const { processedPath } = await call('archiveRawFiles', [job.run])
  const receipt = { runId: 'r', workflowId: 'average-speed/r', processedPath } as RunReceipt
  await meet('receipt', `${processedPath.replace(/\/$/, '')}.receipts/r.json`, () =>
    call('writeReceipt', [job.run, receipt], { workflowId: receipt.workflowId }),
  )
  return outcomes
}

const outcomes: Record<string, Readonly<Record<string, string>>> = {}
for (const source of sources) outcomes[source] = await meetAll(source)
const [, kib = '0'] = /VmHWM:\s+(\d+) kB/.exec(await readFile('/proc/self/status', 'utf8')) ?? []
console.log(JSON.stringify({ outcomes, peakMib: Math.round(Number(kib) / 1024) }))
await google.close()
