import { type Static, Type } from 'typebox'
import type { ActivityClients } from './context.ts'
import { failure, isPreconditionFailed } from './failures.ts'
import { writeObject } from './objects.ts'
import { type Execution, executionEnded } from './owner.ts'
import { deleteObject } from './storage/effects.ts'
import { readNote } from './storage/notes.ts'
import type { OwnFolder } from './storage/own-folder.ts'

/** Who holds a claim, and since when. */
const Holder = Type.Object({
  namespaceId: Type.String({ minLength: 1 }),
  workflowId: Type.String({ minLength: 1 }),
  runId: Type.String({ minLength: 1 }),
  since: Type.String(),
})

const NAME = 'claim.json'

/**
 * A claim is an object that only one execution can write. It counts only while its holder's workflow is open, so it ends
 * with the run however that ends, terminate included; a later run takes it over. A reset makes another execution of the same
 * workflow: that one rewrites the claim, so that an activity of the earlier one, which may still be alive on a worker that
 * was frozen or cut off, neither has it nor can release it.
 */
export interface Claims {
  /**
   * @returns the workflow id of the other run that holds the claim, or nothing when it is now ours
   * @throws ExecutionEnded when this execution is not the one of its workflow that is open, ForeignClaim when a run of
   * another Temporal namespace has it, which cannot be looked up here
   */
  acquire(folder: OwnFolder, me: Execution): Promise<string | undefined>
  /** The workflow id of the open run that holds the claim, whoever asks; nothing when none does. */
  holder(folder: OwnFolder): Promise<string | undefined>
  /** Gives up a claim of ours; does nothing if it is not ours. */
  release(folder: OwnFolder, me: Execution): Promise<void>
}

/** Claims kept in Cloud Storage, each in the folder of what is claimed. */
export function createClaims({
  storage,
  openExecution,
  namespaceId,
}: Pick<ActivityClients, 'storage' | 'openExecution' | 'namespaceId'>): Claims {
  return {
    async acquire(folder, me) {
      const uri = `${folder.uri}${NAME}`
      const here = await namespaceId()
      const mine: Static<typeof Holder> = { namespaceId: here, ...me, since: new Date().toISOString() }
      for (;;) {
        const held = await readNote(storage, uri, Holder)
        const holder = held?.value
        if (holder !== undefined && holder.namespaceId !== here) throw foreign(uri, holder)
        if (holder !== undefined && isSame(holder, me)) return undefined
        const isOthers = holder !== undefined && holder.workflowId !== me.workflowId
        if (isOthers && (await openExecution(holder.workflowId)) !== undefined) return holder.workflowId
        if ((await openExecution(me.workflowId)) !== me.runId) throw executionEnded(me)
        // Tied to what was read: of two runs that find the same dead holder, one wins, and the other looks again.
        if (await writeObject(storage, uri, JSON.stringify(mine), held?.generation ?? 0)) return undefined
      }
    },
    async holder(folder) {
      const holder = (await readNote(storage, `${folder.uri}${NAME}`, Holder))?.value
      if (holder === undefined) return undefined
      // One of another namespace may be open there.
      const isClosed =
        holder.namespaceId === (await namespaceId()) && (await openExecution(holder.workflowId)) === undefined
      return isClosed ? undefined : holder.workflowId
    },
    async release(folder, me) {
      const held = await readNote(storage, `${folder.uri}${NAME}`, Holder)
      if (held?.value.workflowId !== me.workflowId || held.value.namespaceId !== (await namespaceId())) return
      // What an earlier execution has taken is this one's to give up, but not the other way round.
      if (!isSame(held.value, me) && (await openExecution(me.workflowId)) !== me.runId) return
      try {
        await deleteObject(storage, folder, NAME, held.generation)
      } catch (error) {
        if (!isPreconditionFailed(error)) throw error
      }
    },
  }
}

function isSame(one: Execution, other: Execution): boolean {
  return one.workflowId === other.workflowId && one.runId === other.runId
}

function foreign(uri: string, { namespaceId, workflowId, since }: Static<typeof Holder>): Error {
  return failure(
    'ForeignClaim',
    `${uri} is held since ${since} by the run ${workflowId} of another Temporal namespace (id ${namespaceId}), which cannot be looked up from here. If that run is over, and no worker of that namespace is alive, release it with "gcloud storage rm ${uri}" and retry the run.`,
  )
}
