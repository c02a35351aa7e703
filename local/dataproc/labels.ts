import { invalidArgument } from './errors.ts'

/** Label maps as the API carries them. */
export type Labels = Readonly<Record<string, string>>

const KEY = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u
const VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u

/**
 * Checks user labels as `Cluster.labels` and `Job.labels` document them: 32 at most, keys of 1 to 63 characters that begin
 * with a letter, values of up to 63, lower case, digits, `_` and `-`.
 * @throws StatusError INVALID_ARGUMENT
 */
export function checkLabels(labels: Labels | null | undefined): void {
  const entries = Object.entries(labels ?? {})
  if (entries.length > 32)
    throw invalidArgument(`Too many labels: ${entries.length}. At most 32 are allowed.`)
  for (const [key, value] of entries) {
    if (!KEY.test(key)) {
      throw invalidArgument(
        `Label key '${key}' is invalid: 1 to 63 lowercase letters, numbers, underscores and hyphens, beginning with a letter.`,
      )
    }
    if (!VALUE.test(value)) {
      throw invalidArgument(
        `Label value '${value}' of key '${key}' is invalid: up to 63 lowercase letters, numbers, underscores and hyphens.`,
      )
    }
  }
}
