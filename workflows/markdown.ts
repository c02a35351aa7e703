/**
 * Texts of others in Markdown that the Web UI renders: names of objects, what callers sent, what a script said. All of it
 * becomes code, and nothing else. A backslash before each mark is not enough: GitHub's autolinks, which the UI knows, are
 * looked for once the backslashes are gone.
 */

// Line ends would end a block, blanks of other kinds mislead, and marks of direction turn what is read.
const UNSEEN = /[\s\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/**
 * A text as code within a line. Backticks, which would end it, become apostrophes.
 * @param mostBytes of UTF-8, the marks included; what is longer is cut
 */
export function code(text: string, mostBytes = Number.POSITIVE_INFINITY): string {
  const line = readable(text).replace(UNSEEN, ' ').trim()
  return line === '' ? '' : `\`${cut(line, mostBytes - 2)}\``
}

/** The same in a cell of a table, where bars count within code too, and a backslash before one does not. */
export function cell(text: string): string {
  return code(text)
    .replace(/\\(?=\|)/g, '\\ ')
    .replaceAll('|', '\\|')
}

/** A text as code of its own, line by line. */
export function codeBlock(text: string, mostBytes = Number.POSITIVE_INFINITY): string {
  const lines = readable(text)
    .split(/\r\n|\r|\n/)
    .map((line) => line.replace(UNSEEN, ' ').trimEnd())
  return `\`\`\`text\n${cut(lines.join('\n'), mostBytes)}\n\`\`\``
}

/** Half a character has no UTF-8, and Temporal would refuse the text. */
function readable(text: string): string {
  return text.toWellFormed().replaceAll('`', "'")
}

function cut(text: string, mostBytes: number): string {
  if (3 * text.length <= mostBytes) return text
  let bytes = 0
  let end = 0
  let endBefore = 0
  for (const character of text) {
    bytes += bytesOf(character)
    end += character.length
    // The mark that something is missing takes three bytes.
    if (bytes <= mostBytes - 3) endBefore = end
    if (bytes > mostBytes) return `${text.slice(0, endBefore)}…`
  }
  return text
}

// TextEncoder is not part of the workflow sandbox's types.
function bytesOf(character: string): number {
  const point = character.codePointAt(0) ?? 0
  if (point < 0x80) return 1
  if (point < 0x800) return 2
  return point < 0x10000 ? 3 : 4
}
