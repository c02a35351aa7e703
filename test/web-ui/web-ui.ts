import type { FrameLocator, Page } from 'playwright-core'

/** Markdown, each part of it in a frame of its own, in this order. */
const METADATA_PARTS = ['Summary', 'Details', 'Current Details'] as const
type MetadataPart = (typeof METADATA_PARTS)[number]

/** What an operator does in Temporal's Web UI, by what the pages say. */
export interface WebUi {
  /** Lists the runs that a query finds. */
  find(query: string): Promise<void>
  /** Opens a run from the list. */
  open(workflowId: string): Promise<void>
  /** Opens one of a run's tabs, such as `User Metadata`. */
  tab(name: string): Promise<void>
  /** Fills in the dialog of a reset; {@link confirm} sends it. @param eventId of a workflow task that has ended */
  prepareReset(eventId: number, reason: string): Promise<void>
  confirm(): Promise<void>
  /** From a run that was reset to the one that goes on. */
  openResult(): Promise<void>
  /** A part of `User Metadata`. */
  metadata(part: MetadataPart): FrameLocator
  /** Waits until the current details, under `User Metadata`, have a row like this. */
  untilDetails(row: RegExp): Promise<void>
  /** Waits until the page says that the run has this status, in the words of its badge. */
  untilStatus(status: string): Promise<void>
}

/** @param url the Web UI's base URL */
export function webUi(page: Page, url: string, namespace = 'default'): WebUi {
  const dialog = page.getByRole('dialog').filter({ visible: true })
  const metadata = (part: MetadataPart): FrameLocator =>
    page.locator('iframe').nth(METADATA_PARTS.indexOf(part)).contentFrame()
  return {
    async find(query) {
      await page.goto(`${url}/namespaces/${namespace}/workflows?query=${encodeURIComponent(query)}`)
    },
    async open(workflowId) {
      await page.getByRole('link', { name: workflowId, exact: true }).first().click()
      await page.getByRole('heading', { name: workflowId }).waitFor()
    },
    async tab(name) {
      await page.getByRole('tab', { name }).click()
    },
    async prepareReset(eventId, reason) {
      await page.getByRole('button', { name: 'Reset', exact: true }).click()
      await dialog.getByTestId('workflow-reset-event-id-select-button').click()
      await dialog.getByRole('option', { name: `${eventId} - WorkflowTaskCompleted`, exact: true }).click()
      await dialog.getByPlaceholder('Enter a reason').fill(reason)
    },
    async confirm() {
      await dialog.getByRole('button', { name: 'Confirm' }).click()
    },
    async openResult() {
      await page.getByText('This Workflow has been reset').waitFor()
      await page.getByRole('link', { name: 'here' }).click()
      await page.getByText('This Workflow has been reset').waitFor({ state: 'hidden' })
    },
    metadata,
    async untilDetails(row) {
      // A worker is asked for them, which takes its time.
      await metadata('Current Details').locator('tr', { hasText: row }).waitFor()
    },
    async untilStatus(status) {
      await page
        .getByText(new RegExp(`^${status}$`, 'i'))
        .first()
        .waitFor()
    },
  }
}
