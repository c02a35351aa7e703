// Lower-case letters of any script, digits, `_` and `-`: https://cloud.google.com/resource-manager/docs/labels-overview#requirements
const KEY = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u
const VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u

/** What is wrong with a label that a user chose, in words that follow its name; nothing if it is good. */
export function labelFault(key: string, value: string, reserved: readonly string[]): string | undefined {
  if (reserved.includes(key)) return "is one of the pipeline's own labels; choose another name"
  if (!KEY.test(key)) {
    return 'is no name for a label: 1 to 63 lower-case letters, digits, _ and -, beginning with a letter'
  }
  if (!VALUE.test(value)) {
    return `has a value that no label may have: ${JSON.stringify(value)}; up to 63 lower-case letters, digits, _ and -`
  }
  return undefined
}
