import type { Storage } from '@google-cloud/storage'
import { isNotFound, isPreconditionFailed } from './failures.ts'
import { fileAt, readObject, writeObject } from './objects.ts'

/** Who holds a claim. */
interface Holder {
  readonly workflowId: string
  readonly since: string
}

/**
 * A claim is an object that only one run can write. It counts only while its holder's workflow is open, so it ends with
 * the run however that ends, terminate included; a later run takes it over.
 */
export interface Claims {
  /** @returns the workflow id of the other run that holds the claim, or nothing when it is now ours */
  acquire(uri: string, workflowId: string): Promise<string | undefined>
  /** Gives up a claim of ours; does nothing if it is not ours. */
  release(uri: string, workflowId: string): Promise<void>
}

/** Claims kept in Cloud Storage. */
export function createClaims(
  storage: Storage,
  isWorkflowOpen: (workflowId: string) => Promise<boolean>,
): Claims {
  return {
    async acquire(uri, workflowId) {
      const mine: Holder = { workflowId, since: new Date().toISOString() }
      for (;;) {
        const held = await readObject(storage, uri)
        if (held !== undefined) {
          const holder = JSON.parse(held.text) as Holder
          if (holder.workflowId === workflowId) return undefined
          if (await isWorkflowOpen(holder.workflowId)) return holder.workflowId
        }
        // Tied to what was read: of two runs that find the same dead holder, one wins, and the other looks again.
        if (await writeObject(storage, uri, JSON.stringify(mine), held?.generation ?? 0)) return undefined
      }
    },
    async release(uri, workflowId) {
      const held = await readObject(storage, uri)
      if (held === undefined || (JSON.parse(held.text) as Holder).workflowId !== workflowId) return
      try {
        await fileAt(storage, uri).delete({ ifGenerationMatch: held.generation })
      } catch (error) {
        if (!isNotFound(error) && !isPreconditionFailed(error)) throw error
      }
    },
  }
}
