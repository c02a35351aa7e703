import type { Storage } from '@google-cloud/storage'
import { type Static, Type } from 'typebox'
import { isPreconditionFailed } from './failures.ts'
import { writeObject } from './objects.ts'
import { deleteObject } from './storage/effects.ts'
import { readNote } from './storage/notes.ts'
import type { OwnFolder } from './storage/own-folder.ts'

/** Who holds a claim, and since when. */
const Holder = Type.Object({ workflowId: Type.String({ minLength: 1 }), since: Type.String() })

const NAME = 'claim.json'

/**
 * A claim is an object that only one run can write. It counts only while its holder's workflow is open, so it ends with
 * the run however that ends, terminate included; a later run takes it over.
 */
export interface Claims {
  /** @returns the workflow id of the other run that holds the claim, or nothing when it is now ours */
  acquire(folder: OwnFolder, workflowId: string): Promise<string | undefined>
  /** Gives up a claim of ours; does nothing if it is not ours. */
  release(folder: OwnFolder, workflowId: string): Promise<void>
}

/** Claims kept in Cloud Storage, each in the folder of what is claimed. */
export function createClaims(
  storage: Storage,
  isWorkflowOpen: (workflowId: string) => Promise<boolean>,
): Claims {
  return {
    async acquire(folder, workflowId) {
      const uri = `${folder.uri}${NAME}`
      const mine: Static<typeof Holder> = { workflowId, since: new Date().toISOString() }
      for (;;) {
        const held = await readNote(storage, uri, Holder)
        if (held !== undefined) {
          const holder = held.value
          if (holder.workflowId === workflowId) return undefined
          if (await isWorkflowOpen(holder.workflowId)) return holder.workflowId
        }
        // Tied to what was read: of two runs that find the same dead holder, one wins, and the other looks again.
        if (await writeObject(storage, uri, JSON.stringify(mine), held?.generation ?? 0)) return undefined
      }
    },
    async release(folder, workflowId) {
      const held = await readNote(storage, `${folder.uri}${NAME}`, Holder)
      if (held?.value.workflowId !== workflowId) return
      try {
        await deleteObject(storage, folder, NAME, held.generation)
      } catch (error) {
        if (!isPreconditionFailed(error)) throw error
      }
    },
  }
}
