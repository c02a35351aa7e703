import { invalid, StorageError } from './errors.ts'
import { jsonReply, type StorageReply, type StorageRequest } from './http.ts'
import type { AuthorizedStore } from './iam/authorized-store.ts'
import type { Bucket, StoredObject } from './object-store.ts'
import { objectResource } from './resources.ts'
import { compareNames } from './sorted-names.ts'

/** Cloud Storage returns at most this many items and prefixes a page, and as many when nothing is asked. */
const PAGE_LIMIT = 1000

/** Which objects to list. */
export interface ListOptions {
  readonly prefix: string
  readonly delimiter: string
  /** Inclusive. */
  readonly startOffset: string
  /** Exclusive; empty is no end. */
  readonly endOffset: string
  readonly includeTrailingDelimiter: boolean
  readonly limit: number
  readonly after?: PagePosition
}

/** The last entry of the page before: an object's name, or a prefix with all that is under it. */
interface PagePosition {
  readonly name: string
  readonly isPrefix: boolean
}

/** One page: objects and prefixes in listing order, and where the next page begins. */
export interface ListPage {
  readonly items: StoredObject[]
  readonly prefixes: string[]
  readonly next?: PagePosition
}

/**
 * One page of a bucket, in the order of the names' UTF-8 bytes. Items and prefixes count alike towards the limit. What
 * is written or deleted between two pages neither repeats nor hides other names.
 * @see https://cloud.google.com/storage/docs/json_api/v1/objects/list
 */
function listPage({ names, objects }: Bucket, options: ListOptions): ListPage {
  const { prefix, delimiter, after, limit } = options
  const items: StoredObject[] = []
  const prefixes: string[] = []
  let last: PagePosition | undefined
  let index = Math.max(
    names.firstFrom(prefix),
    names.firstFrom(options.startOffset),
    firstAfter(names, after),
  )
  for (;;) {
    const name = names.at(index)
    if (name === undefined || !name.startsWith(prefix)) return { items, prefixes }
    if (options.endOffset !== '' && compareNames(name, options.endOffset) >= 0) return { items, prefixes }
    if (items.length + prefixes.length === limit) {
      return last === undefined ? { items, prefixes } : { items, prefixes, next: last }
    }
    const end = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length)
    const object = objects.get(name)
    if (end === -1) {
      if (object !== undefined) items.push(object)
      last = { name, isPrefix: false }
      index++
    } else {
      const common = name.slice(0, end + delimiter.length)
      prefixes.push(common)
      if (options.includeTrailingDelimiter && name === common && object !== undefined) items.push(object)
      last = { name: common, isPrefix: true }
      index = names.firstBeyond(common)
    }
  }
}

function firstAfter(names: Bucket['names'], after: PagePosition | undefined): number {
  if (after === undefined) return 0
  if (after.isPrefix) return names.firstBeyond(after.name)
  const index = names.firstFrom(after.name)
  return names.at(index) === after.name ? index + 1 : index
}

/** `objects.list` */
export function listObjects(
  store: AuthorizedStore,
  bucketName: string,
  { query, origin }: StorageRequest,
): StorageReply {
  if (query.has('matchGlob')) {
    throw new StorageError(
      501,
      'notImplemented',
      'matchGlob is not supported by the local storage; list by prefix.',
    )
  }
  const bucket = store.bucket(bucketName, 'storage.objects.list')
  const after = readPageToken(query.get('pageToken'))
  const page = listPage(bucket, {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    startOffset: query.get('startOffset') ?? '',
    endOffset: query.get('endOffset') ?? '',
    includeTrailingDelimiter: query.get('includeTrailingDelimiter') === 'true',
    limit: pageSize(query.get('maxResults')),
    ...(after === undefined ? {} : { after }),
  })
  return jsonReply({
    kind: 'storage#objects',
    ...(page.next === undefined
      ? {}
      : { nextPageToken: Buffer.from(JSON.stringify(page.next)).toString('base64url') }),
    ...(page.prefixes.length === 0 ? {} : { prefixes: page.prefixes }),
    ...(page.items.length === 0 ? {} : { items: page.items.map((item) => objectResource(item, origin)) }),
  })
}

function pageSize(text: string | null): number {
  if (text === null) return PAGE_LIMIT
  const size = Number(text)
  if (!Number.isInteger(size) || size < 0) throw invalid(`Invalid unsigned integer value: '${text}'.`)
  return size === 0 ? PAGE_LIMIT : Math.min(size, PAGE_LIMIT)
}

function readPageToken(token: string | null): PagePosition | undefined {
  if (token === null || token === '') return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    if (typeof value === 'object' && value !== null && 'name' in value && 'isPrefix' in value) {
      return { name: String(value.name), isPrefix: value.isPrefix === true }
    }
  } catch {
    // Falls through to the same refusal as a token of another shape.
  }
  throw invalid('Invalid page token.')
}
