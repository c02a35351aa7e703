/**
 * A text without the slashes at its end, in linear time: `/\/+$/` tries again at every slash of a text that holds many
 * and does not end in one.
 */
export function withoutEndSlashes(text: string): string {
  let end = text.length
  while (text[end - 1] === '/') end -= 1
  return text.slice(0, end)
}
