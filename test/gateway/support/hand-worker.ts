import { type Client, defaultPayloadConverter } from '@temporalio/client'

type TaskCommands = NonNullable<
  Parameters<Client['workflowService']['respondWorkflowTaskCompleted']>[0]['commands']
>

// CommandType: https://github.com/temporalio/api/blob/master/temporal/api/enums/v1/command_type.proto
const COMPLETE = 4
const FAIL = 5
const CANCEL = 7
const UPSERT_PROPERTIES = 16

/** How a failure of a run looks on the wire. */
export interface WireFailure {
  readonly message: string
  readonly type: string
  readonly details?: unknown
  readonly cause?: WireFailure
}

/** Ends runs by hand: takes the next workflow task of the queue and answers it, as a worker would. */
export function handWorker(client: Client, taskQueue: string) {
  const respond = async (commands: TaskCommands): Promise<void> => {
    const { namespace } = client.options
    const task = await client.withDeadline(Date.now() + 20_000, () =>
      client.workflowService.pollWorkflowTaskQueue({
        namespace,
        taskQueue: { name: taskQueue },
        identity: 'hand',
      }),
    )
    if (!task.taskToken?.length) throw new Error('There was no workflow task.')
    await client.workflowService.respondWorkflowTaskCompleted({
      namespace,
      taskToken: task.taskToken,
      identity: 'hand',
      commands,
    })
  }
  return {
    /** The run succeeds with a result. */
    complete: (result: unknown, memo: Readonly<Record<string, unknown>> = {}) =>
      respond([
        ...memoCommands(memo),
        {
          commandType: COMPLETE,
          completeWorkflowExecutionCommandAttributes: { result: { payloads: [payload(result)] } },
        },
      ]),
    /** The run fails. */
    fail: (failure: WireFailure, memo: Readonly<Record<string, unknown>> = {}) =>
      respond([
        ...memoCommands(memo),
        { commandType: FAIL, failWorkflowExecutionCommandAttributes: { failure: wireFailure(failure) } },
      ]),
    /** The run accepts its cancellation. */
    cancel: () => respond([{ commandType: CANCEL, cancelWorkflowExecutionCommandAttributes: {} }]),
    /** The run notes something in its memo, and goes on. */
    note: (memo: Readonly<Record<string, unknown>>) => respond(memoCommands(memo)),
  }
}

function memoCommands(memo: Readonly<Record<string, unknown>>): TaskCommands {
  if (Object.keys(memo).length === 0) return []
  const fields = Object.fromEntries(Object.entries(memo).map(([key, value]) => [key, payload(value)]))
  return [
    {
      commandType: UPSERT_PROPERTIES,
      modifyWorkflowPropertiesCommandAttributes: { upsertedMemo: { fields } },
    },
  ]
}

function wireFailure({ message, type, details, cause }: WireFailure): object {
  return {
    message,
    applicationFailureInfo: {
      type,
      nonRetryable: true,
      ...(details !== undefined && { details: { payloads: [payload(details)] } }),
    },
    ...(cause && { cause: wireFailure(cause) }),
  }
}

function payload(value: unknown) {
  return defaultPayloadConverter.toPayload(value) ?? null
}
