// European regions outside the European Union, which its multi-region does not hold:
// https://cloud.google.com/bigquery/docs/locations#multi-regions
const OUTSIDE_EU = new Set(['EUROPE-WEST2', 'EUROPE-WEST6'])

/**
 * Whether BigQuery loads from a bucket into a dataset: the bucket is in the dataset's region, or in its multi-region, or
 * the dataset is in the multi-region US. Of dual-region buckets, which hold several regions, nothing bad is said.
 * @see https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv#limitations
 */
export function mayLoad(
  bucket: { readonly location: string; readonly type?: string | undefined },
  dataset: string,
): boolean {
  const [from, to] = [bucket.location.toUpperCase(), dataset.toUpperCase()]
  if (to === 'US' || from === to || bucket.type === 'dual-region') return true
  return to === 'EU' && from.startsWith('EUROPE-') && !OUTSIDE_EU.has(from)
}
