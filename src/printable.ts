/** How text from outside is shown to people: it can neither drive a terminal nor look like other text than it is. */

// Control characters (line feeds aside) drive terminals; format characters turn, hide or join text; the others show nothing.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** A text with all that is not plain to see written as an escape, such as `\u001b`. Lines stay lines, tabs become blanks. */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll('\t', '  ')
    .replaceAll(UNPRINTABLE, (character) => (character === '\n' ? character : escaped(character)))
}

/** All that is kept of what others say where one sentence is expected. */
export function firstLine(text: string): string {
  return text.trim().split(/\r?\n/, 1)[0] ?? ''
}

/** A text of several lines as one, where further lines could pass for others than they are. */
export function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ')
}

/** A value as JSON that can be shown too: what JSON leaves as it is, it escapes. */
export function printableJson(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, undefined, indent)
  return json.replaceAll(UNPRINTABLE, (character) => (character === '\n' ? character : escaped(character)))
}

/** As JSON has it: by UTF-16 unit, so two for a character beyond the first plane. */
function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}
