/** `; did you mean x?` for a misspelt name, or nothing when none of the known ones is near. */
export function suggestion(name: string, known: readonly string[]): string {
  const plain = (text: string): string => text.replaceAll(/[_-]/g, '').toLowerCase()
  const ranked = known
    .map((candidate) => ({ candidate, distance: distance(plain(name), plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance)
  const [best] = ranked
  return best !== undefined && best.distance <= Math.max(2, name.length / 4)
    ? `; did you mean ${best.candidate}?`
    : ''
}

/** Levenshtein's: single letters put in, taken out or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      const changed = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
