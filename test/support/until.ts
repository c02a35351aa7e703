import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks until it is so.
 * @param what completes the sentence 'It did not come to pass that …'
 * @throws Error when it is not so in time
 */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  deadlineMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`It did not come to pass in ${deadlineMs} ms that ${what}.`)
    await sleep(50)
  }
}

/**
 * Makes sure that it is so all the time.
 * @param what completes the sentence 'It did not stay so that …'
 */
export async function throughout(
  what: string,
  milliseconds: number,
  condition: () => Promise<boolean>,
): Promise<void> {
  const end = Date.now() + milliseconds
  while (Date.now() < end) {
    if (!(await condition())) throw new Error(`It did not stay so for ${milliseconds} ms that ${what}.`)
    await sleep(250)
  }
}
