import { Problem } from './problem.ts'

// Timestamps on Temporal's wire begin here.
const FIRST = '0001-01-01T00:00:00.000Z'

// ISO 8601 writes further years with a sign and six digits, which Temporal does not read. One date is looked for as what
// lies before the millisecond after it, which must be among these too.
const LAST = '9999-12-31T23:59:59.998Z'

/**
 * A moment as a caller wrote it, once its form is checked.
 * @throws Problem 400 for one that the calendar lacks, or that cannot be kept and found again
 */
export function momentOf(field: string, text: string): Date {
  const date = new Date(text)
  // The negation is for a date that is none.
  if (!(date >= new Date(FIRST) && date <= new Date(LAST))) {
    throw new Problem(400, `${field} is no moment from ${FIRST} to ${LAST}: ${JSON.stringify(text)}.`)
  }
  return date
}
