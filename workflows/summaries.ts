import { code } from './markdown.ts'

/** An activity as the workflow sees it. */
interface Proxied<A extends unknown[], R> {
  executeWithOptions(options: { readonly summary: string }, args: A): Promise<R>
}

// Temporal's default is 400 bytes, and more would fail the workflow task (limit.userMetadataSummarySize).
const SUMMARY_BYTES = 200

/**
 * Calls an activity with a line that the Web UI shows beside it.
 * @param summary one line; what is too long is cut. Names in it are others' to choose, so all of it is shown as code
 */
export function calling<A extends unknown[], R>(
  summary: string,
  activity: Proxied<A, R>,
  ...args: A
): Promise<R> {
  return activity.executeWithOptions({ summary: code(summary, SUMMARY_BYTES) }, args)
}
