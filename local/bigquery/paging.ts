import { BigQueryError } from './errors.ts'

/** A page of a list and where the next one begins. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Absent on the last page. */
  readonly nextPageToken?: string
}

/** Cuts a page out of a list. @throws BigQueryError `invalid` for a token that is none of ours */
export function pageOf<T>(
  all: readonly T[],
  { maxResults = 1000, pageToken }: { readonly maxResults?: number; readonly pageToken?: string },
): Page<T> {
  const start = pageToken === undefined ? 0 : offsetOf(pageToken)
  const end = start + Math.max(1, maxResults)
  return { items: all.slice(start, end), ...(end < all.length && { nextPageToken: tokenOf(end) }) }
}

/** An opaque token for a position. */
export function tokenOf(offset: number): string {
  return Buffer.from(`offset:${offset}`).toString('base64url')
}

/** @throws BigQueryError `invalid` */
export function offsetOf(token: string): number {
  const match = /^offset:(\d+)$/.exec(Buffer.from(token, 'base64url').toString())
  if (match === null) throw new BigQueryError('invalid', 'Invalid page token')
  return Number(match[1])
}
