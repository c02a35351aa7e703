/** What observers see of a run: its memo, its search attributes, and the details in the Web UI. */

import { defineSearchAttributeKey, type SearchAttributePair, SearchAttributeType } from '@temporalio/common'
import { isCancellation, setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow'
import {
  keywordOf,
  PROGRESS_MEMO,
  type RunProgress,
  STEPS,
  type StepName,
  type StepState,
  type StepStatus,
} from './contract.ts'
import { DEPLOYMENT } from './deployment.ts'
import { detailsOf, type Told } from './details.ts'
import { recordStep } from './telemetry.ts'

const RUN_STEP = defineSearchAttributeKey('RunStep', SearchAttributeType.KEYWORD)
const CLUSTER_NAME = defineSearchAttributeKey('ClusterName', SearchAttributeType.KEYWORD)
const RAW_PATH = defineSearchAttributeKey('RawPath', SearchAttributeType.KEYWORD)
const ROWS_LOADED = defineSearchAttributeKey('RowsLoaded', SearchAttributeType.INT)
const TEARDOWN_PENDING = defineSearchAttributeKey('TeardownPending', SearchAttributeType.BOOL)

/** Keeps the run's public state. */
export interface Progress {
  /** The step that an error came out of; the first step if it came out of none. */
  stepOf(error: unknown): StepName
  /**
   * Runs one step and records how it went.
   * @param detail what came of it, in one short sentence
   */
  step<T>(name: StepName, body: () => Promise<T>, detail?: (result: T) => string): Promise<T>
  /** Runs what belongs to a step but is not the step itself: its errors count as the step's. */
  within<T>(name: StepName, body: () => Promise<T>): Promise<T>
  skip(name: StepName, why: string): void
  /** Seconds that a step has taken, every time that it ran together; 0 for one that never ended. */
  secondsIn(name: StepName): number
  /** Notes a fact that observers look for; they see it with the next step, as they do the two below. */
  note(facts: Partial<Omit<RunProgress, 'steps'>>): void
  /** Tells people who look at the run in the Web UI; unlike what is noted, it is no part of history. */
  tell(more: Told): void
  batch(deployment: string, rawPath: string): void
  rowsLoaded(rows: number): void
  teardownPending(pending: boolean): void
  /** Makes the latest state visible; a step's start does so by itself. */
  publish(): void
}

/** All steps pending. */
export function createProgress(): Progress {
  const steps = new Map<StepName, StepStatus>(STEPS.map((name) => [name, { name, state: 'pending' }]))
  let facts: Omit<RunProgress, 'steps'> = { attempt: 1 }
  let told: Told = {}
  // Each upsert costs the server a write to its lists, so those that belong together go together.
  const attributes: SearchAttributePair[] = []
  const origins = new Map<unknown, StepName>()
  const taken = new Map<StepName, number>()

  const set = (name: StepName, state: StepState, more: Partial<StepStatus>): void => {
    steps.set(name, { ...steps.get(name), ...more, name, state })
  }
  const end = (name: StepName, state: StepState, more?: Partial<StepStatus>): void => {
    const endedAt = new Date()
    const { startedAt } = steps.get(name) ?? {}
    set(name, state, { ...more, endedAt: endedAt.toISOString() })
    if (startedAt !== undefined) {
      const seconds = (endedAt.getTime() - Date.parse(startedAt)) / 1000
      taken.set(name, (taken.get(name) ?? 0) + seconds)
      recordStep(name, state, seconds)
    }
    show()
  }
  const progress = (): RunProgress => ({ ...facts, steps: [...steps.values()] })
  // Costs nothing in history, so that it may follow every change; the memo does not.
  const show = (): void => setCurrentDetails(detailsOf(progress(), told))
  const publish = (): void => {
    upsertMemo({ [PROGRESS_MEMO]: progress() })
    show()
  }
  return {
    stepOf(error) {
      return origins.get(error) ?? STEPS[0]
    },
    async step(name, body, detail) {
      steps.set(name, { name, state: 'running', startedAt: new Date().toISOString() })
      attributes.push({ key: RUN_STEP, value: name })
      upsertSearchAttributes(attributes.splice(0))
      publish()
      try {
        const result = await body()
        end(name, 'done', detail && { detail: detail(result) })
        return result
      } catch (error) {
        origins.set(error, name)
        end(name, isCancellation(error) ? 'cancelled' : 'failed')
        throw error
      }
    },
    async within(name, body) {
      try {
        return await body()
      } catch (error) {
        origins.set(error, name)
        throw error
      }
    },
    secondsIn: (name) => taken.get(name) ?? 0,
    skip(name, why) {
      set(name, 'skipped', { detail: why })
    },
    note(more) {
      facts = { ...facts, ...more }
      show()
      if (more.clusterName !== undefined) attributes.push({ key: CLUSTER_NAME, value: more.clusterName })
    },
    tell(more) {
      told = { ...told, ...more }
      show()
    },
    batch(deployment, rawPath) {
      attributes.push({ key: DEPLOYMENT, value: deployment }, { key: RAW_PATH, value: keywordOf(rawPath) })
    },
    rowsLoaded(rows) {
      attributes.push({ key: ROWS_LOADED, value: rows })
    },
    teardownPending(pending) {
      upsertSearchAttributes([{ key: TEARDOWN_PENDING, value: pending }])
    },
    publish,
  }
}
