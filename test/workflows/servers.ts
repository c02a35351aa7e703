import { temporal } from '@temporalio/proto'
import { TestWorkflowEnvironment } from '@temporalio/testing'
import { tools } from '../../local/toolchain/tools.ts'
import { SEARCH_ATTRIBUTES } from '../../workflows/contract.ts'

/** A server whose time passes in no time while nothing but time is waited for. */
export async function timeSkippingServer(): Promise<TestWorkflowEnvironment> {
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: tools.temporalTestServer } },
  })
  const { IndexedValueType } = temporal.api.enums.v1
  const types = {
    Keyword: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    Int: IndexedValueType.INDEXED_VALUE_TYPE_INT,
    Bool: IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    Datetime: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
  }
  await env.connection.operatorService.addSearchAttributes({
    namespace: env.namespace ?? 'default',
    searchAttributes: Object.fromEntries(
      Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, types[type]]),
    ),
  })
  return env
}

/** Temporal's development server, in real time; it suggests to continue as new from so many events on, not from 4,096. */
export function serverOfShortHistories(events: number): Promise<TestWorkflowEnvironment> {
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: tools.temporal },
      log: { format: 'pretty', level: 'error' },
      extraArgs: [
        ...['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${events}`],
        ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => [
          '--search-attribute',
          `${name}=${type}`,
        ]),
      ],
    },
  })
}
