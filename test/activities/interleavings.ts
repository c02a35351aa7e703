/** What takes part: it calls `turn` before each of its steps, and does the step at once when that resolves. */
export type Actor = (turn: (call: string) => Promise<void>) => Promise<void>

/** A step that an actor has taken. */
export interface Step {
  readonly actor: number
  readonly call: string
}

/**
 * Runs some actors in every order in which their steps can be taken, each order on a world of its own.
 * @param begin makes the world, its actors, and what is looked at after each step
 * @returns how many orders there are
 */
export async function inEveryOrder(
  begin: () => { readonly actors: readonly Actor[]; readonly afterStep: (steps: readonly Step[]) => void },
): Promise<number> {
  let choices: number[] = []
  for (let orders = 1; ; orders++) {
    const options = await runOnce(begin(), choices)
    // The next order differs as late as it can.
    choices = options.map((_, i) => choices[i] ?? 0)
    let last = choices.length - 1
    while (last >= 0 && (choices[last] ?? 0) + 1 >= (options[last] ?? 0)) last--
    if (last < 0) return orders
    choices = [...choices.slice(0, last), (choices[last] ?? 0) + 1]
  }
}

interface Waiting {
  readonly call: string
  go(): void
}

/** @returns how many actors could have taken each of the steps */
async function runOnce(
  { actors, afterStep }: ReturnType<Parameters<typeof inEveryOrder>[0]>,
  choices: readonly number[],
): Promise<readonly number[]> {
  const waiting: (Waiting | undefined)[] = actors.map(() => undefined)
  const ended = actors.map(() => false)
  const failures: unknown[] = []
  let stirred = (): void => undefined
  actors.forEach((actor, index) => {
    const turn = (call: string): Promise<void> =>
      new Promise((go) => {
        waiting[index] = { call, go }
        stirred()
      })
    actor(turn)
      .catch((error: unknown) => failures.push(error))
      .finally(() => {
        ended[index] = true
        stirred()
      })
  })
  const settled = async (): Promise<void> => {
    while (actors.some((_, i) => waiting[i] === undefined && !ended[i]) && failures.length === 0)
      await new Promise<void>((resolve) => {
        stirred = resolve
      })
  }
  const options: number[] = []
  const steps: Step[] = []
  for (;;) {
    await settled()
    if (failures.length > 0) throw failures[0]
    const ready = actors.map((_, i) => i).filter((i) => waiting[i] !== undefined)
    if (ready.length === 0) return options
    const actor = ready[choices[options.length] ?? 0] ?? 0
    options.push(ready.length)
    const { call, go } = waiting[actor] ?? { call: '', go: () => undefined }
    waiting[actor] = undefined
    steps.push({ actor, call })
    go()
    await settled()
    afterStep(steps)
  }
}
