import { Type } from 'typebox'
import { Problem } from '../problem.ts'
import { momentOf } from '../times.ts'

/** A time as Python's `isoformat` writes it in UTC: `2019-03-01T00:00:00.120000+00:00`, no fraction when it is whole. */
export function isoformat(date: Date): string {
  const text = date.toISOString()
  const fraction = text.slice(20, 23)
  return `${text.slice(0, 19)}${fraction === '000' ? '' : `.${fraction}000`}+00:00`
}

/** The same as Python's `str` writes it, with a blank for the T. */
export function pythonDate(date: Date): string {
  return isoformat(date).replace('T', ' ')
}

/** The id that Airflow makes for a run of a date. */
export function idOfDate(date: Date): string {
  return `manual__${isoformat(date)}`
}

const DAY = '\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])'
const CLOCK = '(?:[01]\\d|2[0-3]):[0-5]\\d'
// In a URL's query a plus sign arrives as a blank.
const ISO = `^(${DAY})(?:[Tt ](${CLOCK}(?::[0-5]\\d(?:\\.\\d{1,9})?)?)(Z|z|[-+ ](?:[01]\\d|2[0-3]):?[0-5]\\d)?)?$`

/** An ISO 8601 date as {@link parseDate} reads it. */
export const isoDate = () =>
  Type.String({ pattern: ISO, description: 'It is an ISO 8601 date such as 2019-03-01T00:00:00+00:00.' })

/**
 * Reads an ISO 8601 date; without a zone it is in UTC, as in Airflow's default. Microseconds are cut to milliseconds.
 * @throws Problem 400
 */
export function parseDate(field: string, text: string): Date {
  const match = new RegExp(ISO).exec(text)
  const [, day, time = '00:00:00', zone = 'Z'] = match ?? []
  const offset = zone.toUpperCase() === 'Z' ? 'Z' : zone.replace(' ', '+').replace(/^(.\d{2}):?/, '$1:')
  if (match === null || !isInCalendar(String(day))) {
    throw new Problem(
      400,
      `${field} must be an ISO 8601 date such as 2019-03-01T00:00:00+00:00, not ${JSON.stringify(text.slice(0, 60))}.`,
    )
  }
  return momentOf(field, `${day}T${time.slice(0, 'hh:mm:ss.sss'.length)}${offset}`)
}

/** The language takes the 30th of February for the 2nd of March. */
function isInCalendar(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day)
}
