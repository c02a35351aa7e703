import { type Finding, fault, ok, skipped } from './finding.ts'

/** Google refuses tokens whose times are minutes off; well before that something is wrong with the machine. */
const MOST_SECONDS = 30

/** Compares this machine's clock with that of a server. @param url any that answers with a `Date` */
export async function examineClock(url: string, now: () => number = Date.now): Promise<Finding> {
  let date: string | null
  try {
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(10_000) })
    date = response.headers.get('date')
  } catch {
    date = null
  }
  if (date === null) return skipped(`the clock, since ${url} does not tell the time`)
  const seconds = Math.round((now() - Date.parse(date)) / 1000)
  if (Math.abs(seconds) <= MOST_SECONDS) return ok("this machine's clock")
  return fault({
    finding: `This machine's clock is ${Math.abs(seconds)} seconds ${seconds > 0 ? 'fast' : 'slow'}, and Google refuses tokens with wrong times.`,
    remedy: 'sudo timedatectl set-ntp true',
  })
}
