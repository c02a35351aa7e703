/** The value below which a share of the values lies, interpolated. @param share 0 to 1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** What a table shows of a series. */
export interface Summary {
  readonly count: number
  readonly median: number
  readonly p10: number
  readonly p90: number
}

/** Median and spread, in the unit of the values. */
export function summaryOf(values: readonly number[]): Summary {
  return {
    count: values.length,
    median: median(values),
    p10: quantile(values, 0.1),
    p90: quantile(values, 0.9),
  }
}
