/** All that the command line writes goes through here: what comes from outside is made printable, and colours are ours. */

import { styleText } from 'node:util'
import { printable, printableJson } from '../printable.ts'

type Style = Parameters<typeof styleText>[0]

/** A part of a line. Colours and text stay apart until they are written, so that no text can bring its own. */
export type Part = string | { readonly style: Style; readonly text: string }

/** A line, in parts. */
export type Line = readonly Part[]

/** Paints a part, where colours are wanted. */
export function paint(style: Style, text: string): Part {
  return { style, text }
}

/** Writes a line. What has several lines in it goes on indented, so that it cannot pass for lines of ours. */
export function print(line: Line | string, stream: NodeJS.WriteStream = process.stdout): void {
  stream.write(`${rendered(line, stream)}\n`)
}

/** Writes a value as JSON. */
export function printJson(
  value: unknown,
  indent?: number,
  stream: NodeJS.WriteStream = process.stdout,
): void {
  stream.write(`${printableJson(value, indent)}\n`)
}

/** Writes a line to those who watch; what has several lines in it goes on indented, as everywhere. */
export function printMessage(message: string): void {
  print(message, process.stderr)
}

/**
 * Writes lines over those that were written before.
 * @param height how many those were; 0 for none
 * @param width of the terminal, if lines are cut to it: one that wraps would break the count
 * @returns how many lines were written
 */
export function printOver(
  lines: readonly Line[],
  stream: NodeJS.WriteStream,
  { height, width }: { readonly height: number; readonly width?: number },
): number {
  const shown = lines.map((line) => rendered(width === undefined ? line : fitted(line, width), stream))
  stream.write(`${height > 0 ? `\x1b[${height}A\x1b[0J` : ''}${shown.join('\n')}\n`)
  return shown.length
}

/** For commander, which writes its help, and what was wrong with a command, in whole texts. */
export const commanderOutput = {
  writeOut: (text: string): void => {
    process.stdout.write(printable(text))
  },
  writeErr: (text: string): void => {
    process.stderr.write(printable(text))
  },
}

function rendered(line: Line | string, stream: NodeJS.WriteStream): string {
  const parts = typeof line === 'string' ? [line] : line
  return parts
    .map((part) => {
      const text = printable(typeof part === 'string' ? part : part.text).replaceAll('\n', '\n    ')
      return typeof part === 'string' ? text : styleText(part.style, text, { stream })
    })
    .join('')
    .trimEnd()
}

function fitted(line: Line, width: number): Line {
  let room = width - 1
  const cut = (text: string): string => {
    const flat = printable(text).replaceAll('\n', ' ')
    // Not within a pair of surrogates.
    const begin = flat.slice(0, Math.max(0, room - 1)).replace(/[\ud800-\udbff]$/, '')
    const shown = flat.length <= room ? flat : `${begin}…`.slice(0, room)
    room -= shown.length
    return shown
  }
  return line.map((part) => (typeof part === 'string' ? cut(part) : { ...part, text: cut(part.text) }))
}
