import { setTimeout as sleep } from 'node:timers/promises'
import type { Storage } from '@google-cloud/storage'
import { Type } from 'typebox'
import type { ActivitySettings } from './context.ts'
import { deploymentFolder } from './deployment-folder.ts'
import { writeObject } from './objects.ts'
import { readNote } from './storage/notes.ts'

// A run does not wait for a hint.
const RECALL_LIMIT_MS = 2_000

/** Which of the deployment's zones had machines the last time. A hint: what cannot be read or written is done without. */
export interface ZoneMemory {
  /** The deployment's zones in the order in which to try them: the last one that had machines comes first. */
  inOrder(): Promise<readonly string[]>
  /** Remembers that a cluster came up in a zone. */
  note(zone: string | undefined): Promise<void>
}

const Winner = Type.Object({ zone: Type.String() })

/** A memory among the deployment's own notes. */
export function zoneMemory(storage: Storage, settings: ActivitySettings): ZoneMemory {
  const { cluster } = settings
  const uri = `${deploymentFolder(settings).uri}zone.json`

  async function recall() {
    const stored = await readNote(storage, uri, Winner)
    return { zone: stored?.value.zone, generation: stored?.generation ?? 0 } as const
  }

  return {
    async inOrder() {
      if (cluster.zones.length < 2) return cluster.zones
      const limit = new AbortController()
      const winner = await Promise.race([
        recall().then(({ zone }) => zone),
        sleep(RECALL_LIMIT_MS, undefined, { signal: limit.signal }),
      ]).catch(() => undefined)
      limit.abort()
      return cluster.zones.toSorted((a, b) => Number(b === winner) - Number(a === winner))
    },
    async note(zone) {
      if (zone === undefined || cluster.zones.length < 2) return
      try {
        const last = await recall()
        if (last.zone !== zone) await writeObject(storage, uri, JSON.stringify({ zone }), last.generation)
      } catch {
        // The next run tries the zones in their configured order.
      }
    },
  }
}
