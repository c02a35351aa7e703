import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { workflowIdOf } from '../../workflows/contract.ts'
import { failureOf } from '../support/bad-days.ts'
import { GOOD_ROWS, loadsOf, putBatch, type TestBatch } from '../support/batches.ts'
import { type Pipeline, type Run, startPipeline, untilJob } from '../support/pipeline.ts'
import { resetPoints } from '../support/resets.ts'
import { averageSpeed } from '../support/trigger.ts'
import { type Browser, openBrowser } from './browser.ts'
import { type WebUi, webUi } from './web-ui.ts'

let pipeline: Pipeline
let browser: Browser
let ui: WebUi
beforeAll(async () => {
  pipeline = await startPipeline({ gateway: true })
  browser = await openBrowser()
  ui = webUi(browser.page, pipeline.cloud.get('TEMPORAL_UI_URL'))
}, 180_000)
beforeEach(() => pipeline.calm())
afterAll(async () => {
  await browser?.close()
  await pipeline?.close()
})

/** A run of a fresh batch, triggered as an on-prem job does. */
async function started(runId: string): Promise<{ readonly batch: TestBatch; readonly run: Run }> {
  const batch = await putBatch(pipeline)
  const { rawPath, outputTable } = batch.input
  const options = ['--run-id', runId, '--raw-path', rawPath, '--output-table', outputTable]
  const { code, stderr } = await averageSpeed(pipeline.cloud, 'trigger', ...options)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return { batch, run: pipeline.temporal.workflow.getHandle(workflowIdOf(runId)) }
}

/** All that the page says. Lines are broken anywhere, so without blanks. */
const text = async (): Promise<string> =>
  ((await browser.page.locator('main').textContent()) ?? '').replace(/\s/g, '')

describe("Temporal's Web UI", () => {
  test('finds a run of real Spark by its raw path, and by the rows that it has loaded', async () => {
    await pipeline.dataprocSettings({ jobMode: 'spark' })
    const { batch, run } = await started('nightly-2019-03-01')
    expect(await run.result()).toMatchObject({ rowsLoaded: GOOD_ROWS })
    await ui.find(`RawPath="${batch.input.rawPath}"`)
    await ui.open(run.workflowId)
    await ui.find(`RowsLoaded>=${GOOD_ROWS}`)
    await browser.page.getByRole('link', { name: run.workflowId }).first().waitFor()
    await browser.picture('web-ui-list')
    await ui.open(run.workflowId)
    await ui.untilStatus('COMPLETED')
    await browser.page.getByText('"rowsLoaded"').waitFor()
    await browser.picture('web-ui-run')

    await ui.tab('User Metadata')
    await ui.untilDetails(/cleanUp\s*done/)
    await ui
      .metadata('Summary')
      .getByText('raw-2019-03-01T000000, asked for by on-prem-trigger@local-project.iam.gserviceaccount.com')
      .waitFor()
    await ui.metadata('Details').getByText(`raw_path: ${batch.input.rawPath}`).waitFor()
    const details = ui.metadata('Current Details')
    expect(await details.getByRole('listitem').allTextContents()).toContainEqual(
      `${GOOD_ROWS} rows read, ${GOOD_ROWS} written, 0 rejected`,
    )
    const links = await details
      .getByRole('link')
      .evaluateAll((all) => all.map((one) => one.getAttribute('href') ?? ''))
    const pages = [
      /dataproc\/clusters\/average-speed-/,
      /dataproc\/jobs\/average-speed-/,
      /storage\/browser\/dataproc-staging-/,
      /bigquery\?.*j=bq/,
      /bigquery\?.*t=trips_/,
      /storage\/browser\/local-project-raw\/.*raw-2019/,
      /storage\/browser\/local-project-processed\/.*raw-2019/,
      /storage\/browser\/_details\/.*\.receipts\/nightly-2019-03-01\.json/,
    ]
    expect(links).toEqual(pages.map((page) => expect.stringMatching(page)))
    await details.getByRole('link').last().scrollIntoViewIfNeeded()
    await browser.picture('web-ui-details')
  })

  test('finds a run by the step that it is at, shows its steps, and cancels it', async () => {
    await pipeline.dataprocSettings({ jobMs: 600_000 })
    const { run } = await started('held-at-spark')
    await untilJob(pipeline, run)
    await ui.find('RunStep="runSparkJob" AND ExecutionStatus="Running"')
    await ui.open(run.workflowId)
    await ui.tab('User Metadata')
    await ui.untilDetails(/createCluster\s*done/)
    await ui.untilDetails(/runSparkJob\s*running/)
    await browser.picture('web-ui-steps')
    await browser.page.getByRole('button', { name: 'Request Cancellation' }).click()
    await browser.picture('web-ui-cancel')
    await ui.confirm()
    await expect(run.result()).rejects.toThrow('cancelled')
    await ui.find('RunStep="cleanUp" AND ExecutionStatus="Canceled"')
    await browser.page.getByRole('link', { name: run.workflowId }).first().waitFor()
    const { clusters } = await pipeline.ledgerOf(run.workflowId)
    expect(clusters.map(({ state }) => state)).toEqual(['GONE'])
  })

  test("P13: shows a failed run's sentence, and resets it, after which it succeeds", async () => {
    await pipeline.bigquery.post('/job-faults', { type: 'load', reason: 'invalid', times: 1_000 })
    const { batch, run } = await started('load-refused')
    const { type, message } = await failureOf(run)
    expect(type).toBe('LoadFailed')
    await ui.find('ExecutionStatus="Failed"')
    await ui.open(run.workflowId)
    await ui.untilStatus('FAILED')
    await browser.page.getByText('"message"').first().waitFor()
    expect(await text()).toContain(message.replace(/\s/g, ''))
    // Below the sentence is a stack trace, with paths of this machine.
    await browser.picture('web-ui-failure', { above: browser.page.getByText('"stackTrace"').first() })

    await pipeline.calm()
    const [first] = await resetPoints(run)
    await ui.prepareReset(first?.eventId ?? 0, 'The load is accepted again')
    await browser.picture('web-ui-reset')
    await ui.confirm()
    await ui.openResult()
    expect(await pipeline.temporal.workflow.getHandle(run.workflowId).result()).toMatchObject({
      rowsLoaded: GOOD_ROWS,
      notCleaned: [],
    })
    await browser.page.reload()
    await ui.untilStatus('COMPLETED')
    await browser.page.getByText('"rowsLoaded"').waitFor()
    await browser.picture('web-ui-after-reset')
    expect(await loadsOf(pipeline, batch)).toEqual({ committed: 1, rows: GOOD_ROWS })
  })
})
