/** A piece of translated SQL and the place that it comes from. */
export interface Piece {
  readonly sql: string
  /** Offset in the statement as it was sent. */
  readonly offset: number
}

/** Translated SQL that knows where each of its parts comes from. */
export class SqlOutput {
  readonly sql: string
  readonly #starts: readonly (readonly [number, number])[]

  constructor(pieces: readonly Piece[]) {
    const starts: [number, number][] = []
    let sql = ''
    for (const piece of pieces) {
      if (sql !== '') sql += ' '
      starts.push([sql.length, piece.offset])
      sql += piece.sql
    }
    this.sql = sql
    this.#starts = starts
  }

  /** Where the piece at an offset of the output stood; nothing for the end. */
  originOf(offset: number | undefined): number | undefined {
    if (offset === undefined || offset >= this.sql.length) return undefined
    return this.#starts.findLast(([start]) => start <= offset)?.[1]
  }
}
