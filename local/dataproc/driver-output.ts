/** Where the driver's output goes: a prefix, and how to write an object. */
export interface DriverOutputTarget {
  /** `gs://…/driveroutput`; the objects are this with `.000000000`, `.000000001` and so on. */
  readonly uri: string
  readonly write: (uri: string, content: Buffer) => Promise<void>
}

const FLUSH_MS = 1000
const CHUNK_BYTES = 1 << 20

/**
 * A driver's output in Cloud Storage, in numbered chunks as the job's `driver_output_resource_uri` names them. The chunk
 * that is being filled is written again about once a second, so that readers can follow a running job
 * (https://cloud.google.com/dataproc/docs/guides/dataproc-job-output).
 */
export class DriverOutput {
  readonly #target: DriverOutputTarget
  readonly #timer: NodeJS.Timeout
  #parts: Buffer[] = []
  #size = 0
  #index = 0
  #dirty = true
  #writing: Promise<void> = Promise.resolve()

  constructor(target: DriverOutputTarget) {
    this.#target = target
    this.#timer = setInterval(() => this.#flush(), FLUSH_MS)
    this.#timer.unref()
  }

  /** Appends output. */
  append(chunk: Buffer | string): void {
    const bytes = Buffer.from(chunk)
    this.#parts.push(bytes)
    this.#size += bytes.length
    this.#dirty = true
    if (this.#size >= CHUNK_BYTES) {
      this.#flush()
      this.#parts = []
      this.#size = 0
      this.#index += 1
    }
  }

  /** Writes what is left and stops; there is at least one object, be it empty. A write that fails is given up. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#flush()
    await this.#writing
  }

  /** Stops without writing. */
  discard(): void {
    clearInterval(this.#timer)
    this.#dirty = false
  }

  #flush(): void {
    if (!this.#dirty || (this.#size === 0 && this.#index > 0)) return
    this.#dirty = false
    const uri = `${this.#target.uri}.${String(this.#index).padStart(9, '0')}`
    const content = Buffer.concat(this.#parts)
    // One after the other, or an older content could overtake a newer one.
    this.#writing = this.#writing.then(() => this.#target.write(uri, content)).catch(() => {})
  }
}
