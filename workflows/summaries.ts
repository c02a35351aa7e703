/** An activity as the workflow sees it. */
interface Proxied<A extends unknown[], R> {
  executeWithOptions(options: { readonly summary: string }, args: A): Promise<R>
}

// Temporal's default is 400 bytes, and more would fail the workflow task (limit.userMetadataSummarySize).
const SUMMARY_BYTES = 200

/**
 * Calls an activity with a line that the Web UI shows beside it.
 * @param summary one line; what is too long is cut
 */
export function calling<A extends unknown[], R>(
  summary: string,
  activity: Proxied<A, R>,
  ...args: A
): Promise<R> {
  return activity.executeWithOptions({ summary: cut(summary) }, args)
}

/** At most so many bytes of UTF-8, of which no character has more than 4. */
function cut(text: string): string {
  const characters = [...text]
  const short = characters.length <= SUMMARY_BYTES / 4 || characters.every((one) => one <= '\u007f')
  const most = short ? SUMMARY_BYTES : SUMMARY_BYTES / 4
  return characters.length <= most ? text : `${characters.slice(0, most - 3).join('')}…`
}
