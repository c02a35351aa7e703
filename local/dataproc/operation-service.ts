import type { protos } from '@google-cloud/dataproc'
import { failedPrecondition, invalidArgument, notFound } from './errors.ts'
import { labelValues, parseFilter, satisfies } from './filters.ts'
import type { Operation } from './model.ts'
import { type OperationRecord, type OperationTable, operationMessage } from './operations.ts'
import { page } from './paging.ts'
import { milliseconds } from './times.ts'

type Named = protos.google.longrunning.IGetOperationRequest
type List = protos.google.longrunning.IListOperationsRequest
type Wait = protos.google.longrunning.IWaitOperationRequest

/** Longest wait of one call; a client that wants more asks again. */
const LONGEST_WAIT_MS = 60_000

/** The calls of `google.longrunning.Operations`, as the comments in google/longrunning/operations.proto describe them. */
export function operationService(operations: OperationTable) {
  function existing(name: string | null | undefined): OperationRecord {
    if (!name) throw invalidArgument('Operation name must be specified.')
    const operation = operations.get(name)
    if (operation === undefined) throw notFound(`Operation ${name}`)
    return operation
  }

  return {
    GetOperation(request: Named): Operation {
      return operationMessage(existing(request.name))
    },

    ListOperations(request: List) {
      const match = /^projects\/([^/]+)\/regions\/([^/]+)\/operations\/?$/.exec(request.name ?? '')
      if (match === null) {
        throw invalidArgument(`Invalid name '${request.name}': projects/P/regions/R/operations is expected.`)
      }
      const terms = parseFilter(request.filter, ['status.state', 'clusterName', 'operationType'])
      const found = operations
        .list({ project: match[1] ?? '', region: match[2] ?? '' })
        .filter((operation) => satisfies(terms, (field) => valuesOf(operation, field)))
      const key = ({ sequence }: OperationRecord) =>
        String(Number.MAX_SAFE_INTEGER - sequence).padStart(16, '0')
      const { items, nextPageToken } = page(found, key, request.pageSize, request.pageToken)
      return { operations: items.map(operationMessage), nextPageToken }
    },

    async WaitOperation(request: Wait): Promise<Operation> {
      const operation = existing(request.name)
      const asked = request.timeout ? milliseconds(request.timeout) : LONGEST_WAIT_MS
      await operations.whenDone(operation, Math.min(asked, LONGEST_WAIT_MS))
      return operationMessage(operation)
    },

    /** Best effort, as documented: a deletion, an update and a diagnosis run on. */
    CancelOperation(request: Named): object {
      const operation = existing(request.name)
      if (operation.result === undefined) operation.cancel?.()
      return {}
    },

    DeleteOperation(request: Named): object {
      const operation = existing(request.name)
      if (operation.result === undefined) {
        throw failedPrecondition(`Operation ${operation.name} is not done and cannot be deleted.`)
      }
      operations.delete(operation.name)
      return {}
    },
  }
}

function valuesOf(operation: OperationRecord, field: string): readonly string[] {
  const done = operation.result !== undefined
  if (field === 'status.state') return done ? ['DONE', 'INACTIVE'] : ['RUNNING', 'ACTIVE']
  if (field === 'clusterName') return [operation.clusterName]
  if (field === 'operationType') return [operation.type]
  return labelValues(operation.labels, field)
}
