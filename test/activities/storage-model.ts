import type { Storage } from '@google-cloud/storage'

/** An object of the model: what it holds, and which writing of it this is. */
interface Modelled {
  readonly generation: number
  readonly bytes: string
}

/** Buckets with generations and preconditions as Cloud Storage has them, in which each call takes effect when it is told to. */
export interface StorageModel {
  /** Names with their buckets, `bucket/name`. */
  readonly objects: ReadonlyMap<string, Modelled>
  put(place: string, bytes: string): void
  /** A client of the model. @param turn waits until the client's next call may take effect */
  client(turn: (call: string) => Promise<void>): Storage
}

class Refusal extends Error {
  readonly code: number
  constructor(code: number) {
    super(`refused: ${code}`)
    this.code = code
  }
}

/** An object of more bytes is copied in two calls. */
const AT_ONCE = 5

interface RewriteRequest {
  readonly uri: string
  readonly qs: {
    readonly sourceGeneration: string
    readonly ifGenerationMatch?: string
    readonly rewriteToken?: string
  }
}

/** An empty model. */
export function storageModel(): StorageModel {
  const objects = new Map<string, Modelled>()
  let generations = 0
  const put = (place: string, bytes: string): Modelled => {
    const made = { generation: ++generations, bytes }
    objects.set(place, made)
    return made
  }
  const metadataOf = ({ generation, bytes }: Modelled) => ({
    generation: String(generation),
    size: String(bytes.length),
    crc32c: bytes,
  })
  function live(place: string, generation?: string): Modelled {
    const found = objects.get(place)
    if (found === undefined || (generation !== undefined && generation !== String(found.generation)))
      throw new Refusal(404)
    return found
  }
  function require(place: string, generation: string | number | undefined): void {
    if (generation === undefined) return
    if (String(objects.get(place)?.generation ?? 0) !== String(generation)) throw new Refusal(412)
  }

  function client(turn: (call: string) => Promise<void>): Storage {
    const bucket = (name: string) => ({
      name,
      file: (file: string) => fileOf(name, file),
      async request({ uri, qs }: RewriteRequest) {
        await turn('rewrite')
        const [, from, toBucket, to] = /^\/o\/([^/]+)\/rewriteTo\/b\/([^/]+)\/o\/([^/]+)$/.exec(uri) ?? []
        const source = live(`${name}/${decodeURIComponent(from ?? '')}`, qs.sourceGeneration)
        const target = `${toBucket}/${decodeURIComponent(to ?? '')}`
        require(target, qs.ifGenerationMatch)
        if (source.bytes.length > AT_ONCE && qs.rewriteToken === undefined) {
          return [{ done: false, rewriteToken: 'half' }]
        }
        return [{ done: true, resource: metadataOf(put(target, source.bytes)) }]
      },
    })
    const fileOf = (inBucket: string, name: string) => ({
      name,
      bucket: bucket(inBucket),
      async getMetadata() {
        await turn('get')
        return [metadataOf(live(`${inBucket}/${name}`))]
      },
      async delete({ ifGenerationMatch }: { ifGenerationMatch?: string } = {}) {
        await turn('delete')
        live(`${inBucket}/${name}`)
        require(`${inBucket}/${name}`, ifGenerationMatch)
        objects.delete(`${inBucket}/${name}`)
      },
    })
    return { bucket } as unknown as Storage
  }
  return { objects, put, client }
}
