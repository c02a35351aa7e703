/** https://cloud.google.com/storage/docs/locations */
const MULTI_REGIONS = new Set(['US', 'EU', 'ASIA'])
const DUAL_REGIONS = new Set(['ASIA1', 'EUR4', 'EUR5', 'EUR7', 'EUR8', 'NAM4'])

/** A bucket's location as Cloud Storage keeps it: in upper case, `US` unless the client names one. */
export function locationOf(wanted: unknown): { readonly location: string; readonly locationType: string } {
  const location = typeof wanted === 'string' && wanted !== '' ? wanted.toUpperCase() : 'US'
  if (MULTI_REGIONS.has(location)) return { location, locationType: 'multi-region' }
  return { location, locationType: DUAL_REGIONS.has(location) ? 'dual-region' : 'region' }
}
