import { invalidArgument } from './errors.ts'

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[]
  /** Empty on the last page. */
  readonly nextPageToken: string
}

const LARGEST_PAGE = 1000

/**
 * Cuts a page out of items that are sorted by a unique key. The token carries the last key seen, so that items that come or
 * go between two calls neither repeat nor hide others.
 * @throws StatusError INVALID_ARGUMENT on a negative size or a foreign token
 */
export function page<Item>(
  sorted: readonly Item[],
  keyOf: (item: Item) => string,
  size: number | null | undefined,
  token: string | null | undefined,
): Page<Item> {
  if ((size ?? 0) < 0) throw invalidArgument(`Page size ${size} is invalid: it must not be negative.`)
  const limit = Math.min(size || LARGEST_PAGE, LARGEST_PAGE)
  const after = token ? decode(token) : undefined
  const rest = after === undefined ? sorted : sorted.filter((item) => keyOf(item) > after)
  const items = rest.slice(0, limit)
  const last = items.at(-1)
  const more = rest.length > items.length && last !== undefined
  return { items, nextPageToken: more ? encode(keyOf(last)) : '' }
}

function encode(key: string): string {
  return Buffer.from(`after:${key}`).toString('base64url')
}

function decode(token: string): string {
  const text = Buffer.from(token, 'base64url').toString()
  if (!text.startsWith('after:')) throw invalidArgument('The page token is invalid.')
  return text.slice('after:'.length)
}
