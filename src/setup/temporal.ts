import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import { isGrpcServiceError } from '@temporalio/client'
import { msToTs } from '@temporalio/common/lib/time.js'
import { SEARCH_ATTRIBUTES } from '../../workflows/contract.ts'
import type { TemporalAccess } from '../temporal-access.ts'
import { explainTemporalFailure } from '../temporal-failure.ts'
import type { Fault, Resource } from './resource.ts'

/** A run id is known for as long as its closed run is kept: P1 asks for this many days. */
const RETENTION_DAYS = 30
const DAY_SECONDS = 86_400

/** Servers look new namespaces up every few seconds: https://docs.temporal.io/self-hosted-guide */
const NAMESPACE_DEADLINE_MS = 60_000

/** gRPC's NOT_FOUND and ALREADY_EXISTS: https://grpc.io/docs/guides/status-codes/ */
const NOT_FOUND = 5
const ALREADY_EXISTS = 6

// temporal.api.enums.v1.IndexedValueType: https://github.com/temporalio/api/blob/master/temporal/api/enums/v1/common.proto
const VALUE_TYPES: Readonly<Record<string, number>> = {
  Text: 1,
  Keyword: 2,
  Int: 3,
  Double: 4,
  Bool: 5,
  Datetime: 6,
  KeywordList: 7,
}

/** The namespace. One that keeps closed runs for less than 30 days is told of, not changed: it may be others' too. */
export function namespace(client: Client): Resource {
  const name = client.options.namespace
  const { workflowService } = client.connection
  return {
    thing: `namespace ${name}`,
    detail: `keeps closed runs for ${RETENTION_DAYS} days or more`,
    async inspect() {
      const found = await orNothing(() => workflowService.describeNamespace({ namespace: name }), NOT_FOUND)
      if (found === undefined) {
        return {
          state: 'missing',
          finding: `There is no Temporal namespace ${name}.`,
          async mend() {
            const workflowExecutionRetentionPeriod = msToTs(`${RETENTION_DAYS} days`)
            await workflowService.registerNamespace({ namespace: name, workflowExecutionRetentionPeriod })
            await untilKnown(client)
          },
        }
      }
      const days = Number(found.config?.workflowExecutionRetentionTtl?.seconds ?? 0) / DAY_SECONDS
      if (days >= RETENTION_DAYS) return { state: 'right' }
      const warning = {
        finding: `The namespace ${name} keeps closed runs for ${days} days only, so the id of an older run could start it again.`,
        remedy: `temporal operator namespace update --namespace ${name} --retention ${RETENTION_DAYS * 24}h`,
      }
      return { state: 'right', warning }
    },
  }
}

/** The search attributes that runs are listed by. */
export function searchAttributes(client: Client): Resource {
  const name = client.options.namespace
  const { operatorService } = client.connection
  const wanted = Object.entries(SEARCH_ATTRIBUTES)
  return {
    thing: `search attributes in ${name}`,
    detail: Object.keys(SEARCH_ATTRIBUTES).join(', '),
    async inspect() {
      const listed = await orNothing(
        () => operatorService.listSearchAttributes({ namespace: name }),
        NOT_FOUND,
      )
      const present: Readonly<Record<string, number>> = listed?.customAttributes ?? {}
      const other = wanted.find(
        ([attribute, type]) => present[attribute] !== undefined && present[attribute] !== VALUE_TYPES[type],
      )
      if (other !== undefined) {
        const [attribute, type] = other
        return {
          state: 'wrong',
          fault: {
            finding: `The search attribute ${attribute} of the namespace ${name} is not of the type ${type}.`,
            remedy: `Name another namespace by TEMPORAL_NAMESPACE, or remove it: temporal operator search-attribute remove --namespace ${name} --name ${attribute}`,
          },
        }
      }
      const lacking = wanted.filter(([attribute]) => present[attribute] === undefined)
      if (lacking.length === 0) return { state: 'right' }
      return {
        state: lacking.length === wanted.length ? 'missing' : 'differs',
        finding: `The namespace ${name} lacks the search attributes ${lacking.map(([attribute]) => attribute).join(', ')}.`,
        async mend() {
          const types = Object.fromEntries(
            lacking.map(([attribute, type]) => [attribute, VALUE_TYPES[type] ?? 0]),
          )
          // Another set-up may have made the namespace a moment ago.
          await untilKnown(client)
          await orNothing(
            () => operatorService.addSearchAttributes({ namespace: name, searchAttributes: types }),
            ALREADY_EXISTS,
          )
        },
      }
    },
  }
}

/** @throws at once when there is no such namespace */
async function untilKnown(client: Client): Promise<void> {
  const deadline = Date.now() + NAMESPACE_DEADLINE_MS
  const { namespace: name } = client.options
  await client.connection.workflowService.describeNamespace({ namespace: name })
  for (;;) {
    try {
      await client.connection.operatorService.listSearchAttributes({ namespace: name })
      return
    } catch (error) {
      if (!isCode(error, NOT_FOUND) || Date.now() > deadline) throw error
      await sleep(500)
    }
  }
}

async function orNothing<T>(call: () => Promise<T>, code: number): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (isCode(error, code)) return undefined
    throw error
  }
}

function isCode(error: unknown, code: number): boolean {
  return isGrpcServiceError(error) && Number(error.code) === code
}

/** Why Temporal cannot be used, and which setting to look at. */
export async function temporalFault(access: TemporalAccess, error: unknown): Promise<Fault> {
  const { message } = await explainTemporalFailure(access, error)
  return {
    finding: message.split('\n')[0] ?? message,
    remedy: `Start it, or correct TEMPORAL_ADDRESS (${access.address}) and the other settings that begin with TEMPORAL_.`,
  }
}
