/** The page of a run in the Web UI, as Markdown. Pure, and no part of history. */

import type { FailureDetails, RunProgress, StepStatus } from './contract.ts'
import { type Cloud, clusterLink, loadJobLink, sparkJobLink, storageLink, tableLink } from './links.ts'
import { cell, code, codeBlock } from './markdown.ts'

// As much of a failure as somebody reads on the page; the failure itself has all of it.
const MESSAGE_BYTES = 4_000

/** What the page tells beside the run's progress; each is there once it is known. */
export interface Told {
  readonly cloud?: Cloud
  readonly rawPath?: string
  readonly outputTable?: string
  readonly rowsRead?: number
  readonly rowsWritten?: number
  readonly rowsRejected?: number
  readonly rejectedPath?: string
  readonly rowsLoaded?: number
  readonly loadedBefore?: boolean
  readonly driverOutput?: string | undefined
  readonly processedPath?: string
  readonly receiptUri?: string
  readonly failure?: Pick<FailureDetails, 'step' | 'rawFilesAt'> & {
    readonly type: string
    readonly message: string
  }
}

/** The whole page: how the run ended, its steps, its numbers, and where to look. */
export function detailsOf(progress: RunProgress, told: Told): string {
  const parts = [
    endingOf(progress, told),
    stepsOf(progress.steps),
    numbersOf(progress, told),
    placesOf(progress, told),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function endingOf({ notCleaned = [] }: RunProgress, { failure, cloud }: Told): string {
  const parts: string[] = []
  if (failure !== undefined) {
    parts.push(`**${failure.type}** in ${failure.step}:`, codeBlock(failure.message, MESSAGE_BYTES))
    if (failure.rawFilesAt !== undefined)
      parts.push(`The raw files are at ${uriText(cloud, failure.rawFilesAt)}.`)
  }
  if (notCleaned.length > 0) {
    parts.push('**Not cleaned up:**', notCleaned.map((sentence) => `- ${code(sentence)}`).join('\n'))
  }
  return parts.join('\n\n')
}

function stepsOf(steps: readonly StepStatus[]): string {
  const rows = steps.map(({ name, state, startedAt = '', endedAt, detail = '' }) => {
    const seconds =
      startedAt !== '' && endedAt !== undefined
        ? ((Date.parse(endedAt) - Date.parse(startedAt)) / 1000).toFixed(1)
        : ''
    return `| ${name} | ${state} | ${startedAt} | ${seconds} | ${cell(detail)} |`
  })
  return [
    '| step | state | started | seconds | what came of it |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

function numbersOf({ attempt, clusters = [] }: RunProgress, told: Told): string {
  const { rowsRead, rowsWritten, rowsRejected, rowsLoaded } = told
  const seconds = clusters.reduce((sum, one) => sum + one.seconds, 0)
  const waiting = clusters.reduce((sum, one) => sum + (one.waitingSeconds ?? 0), 0)
  return [
    ...(attempt > 1 ? [`- Attempt ${attempt}`] : []),
    ...(rowsRead === undefined
      ? []
      : [`- ${rowsRead} rows read, ${rowsWritten} written, ${rowsRejected} rejected`]),
    ...(rowsLoaded === undefined
      ? []
      : [`- ${rowsLoaded} rows loaded${told.loadedBefore ? ' by an earlier run' : ''}`]),
    ...(clusters.length === 0
      ? []
      : [`- ${seconds.toFixed(1)} cluster seconds, ${waiting.toFixed(1)} of them without a job`]),
  ].join('\n')
}

function placesOf({ clusterName, sparkJobId, loadJobId }: RunProgress, told: Told): string {
  const { cloud } = told
  if (cloud === undefined) return ''
  const link = (what: string, text: string | undefined, url: (text: string) => string): string[] =>
    text === undefined ? [] : [`- ${what}: [${code(text)}](${url(text)})`]
  const storage = (what: string, uri: string | undefined): string[] =>
    link(what, uri, (known) => storageLink(cloud, known))
  return [
    ...link('Cluster', clusterName, (name) => clusterLink(cloud, name)),
    ...link('Spark job', sparkJobId, (id) => sparkJobLink(cloud, id)),
    ...storage('Driver output', told.driverOutput),
    ...link('Load job', loadJobId, (id) => loadJobLink(cloud, id)),
    ...link('Table', told.outputTable, (table) => tableLink(cloud, table)),
    ...storage('Raw path', told.rawPath),
    ...storage('Rejected records', told.rejectedPath),
    ...storage('Archived files', told.processedPath),
    ...storage('Receipt', told.receiptUri),
  ].join('\n')
}

function uriText(cloud: Cloud | undefined, uri: string): string {
  return cloud === undefined ? code(uri) : `[${code(uri)}](${storageLink(cloud, uri)})`
}
