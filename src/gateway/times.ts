import { Problem } from './problem.ts'

/**
 * A moment as a caller wrote it, once its form is checked.
 * @throws Problem 400 for one that the calendar lacks, or that lies beyond the years of four digits in UTC
 */
export function momentOf(field: string, text: string): Date {
  const date = new Date(text)
  // ISO 8601 writes further years with a sign and six digits, which Temporal does not read.
  if (Number.isNaN(date.getTime()) || !/^\d{4}-/.test(date.toISOString())) {
    throw new Problem(400, `${field} is no moment of the years 0000 to 9999 in UTC: ${JSON.stringify(text)}.`)
  }
  return date
}
