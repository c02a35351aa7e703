import type { Control } from './control.ts'

/** Which call a stand-in is to hold; as a fault names it. */
export interface HeldCall {
  readonly on: string
  readonly match?: string
  readonly skip?: number
  /** `after`: the effect is there, and only the answer is held. Default `before`. */
  readonly when?: 'before' | 'after'
}

/** A call that is held, or will be. */
export interface Hold {
  /** Waits until the call is held. @throws Error when it does not come */
  reached(): Promise<void>
  /** Lets the call go on, or drops its connection. */
  release(end: 'go' | 'drop'): Promise<void>
}

/** Holds the next such call in a stand-in until the test releases it. */
export async function holdCall(control: Control, call: HeldCall): Promise<Hold> {
  const { id } = await control.post('/faults', { ...call, kind: 'hold' })
  return {
    async reached() {
      const { held } = await control.get<{ held: boolean }>(`/faults/${id}/held?waitMs=30000`)
      if (!held) throw new Error(`No call came to be held: ${JSON.stringify(call)}`)
    },
    async release(end) {
      await control.post(`/faults/${id}/release`, { end })
    },
  }
}
