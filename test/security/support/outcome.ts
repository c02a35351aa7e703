/** The type of the failure that something ends in, or 'done'. A failure that would be tried again is told as such. */
export async function outcomeOf(doing: () => Promise<unknown>): Promise<string> {
  try {
    await doing()
    return 'done'
  } catch (error) {
    const { type, nonRetryable } = error as { readonly type?: string; readonly nonRetryable?: boolean }
    return `${type ?? error}${nonRetryable === true ? '' : ', again and again'}`
  }
}
