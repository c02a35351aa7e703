import { InvalidArgumentError } from 'commander'

/** Reads an option that is a number, 0 or more. */
export function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError('It must be a number, 0 or more.')
  }
  return value
}
