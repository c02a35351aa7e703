import { setTimeout as sleep } from 'node:timers/promises'

/** Asks until it is so; fails after 30 seconds. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('It did not come to pass in 30 seconds.')
    await sleep(20)
  }
}
