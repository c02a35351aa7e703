import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parse } from '@swc/core'

const ROOT = join(import.meta.dirname, '..', '..', '..')

/** What modules name: `activities/x.ts: name`, each once, sorted. */
export interface Uses {
  /** Members of something, to call them or to hand them on: `x.name`, `x['name']`, and `name` taken out of something. */
  readonly members: readonly string[]
  /** Those of them that are called where they are named: `x.name()`. */
  readonly calls: readonly string[]
  /** Classes that are made anew. */
  readonly classes: readonly string[]
}

/** Reads all modules in some folders. @param folders relative to the project's own */
export async function usesIn(folders: readonly string[]): Promise<Uses> {
  const [members, calls, classes] = [new Set<string>(), new Set<string>(), new Set<string>()]
  for (const path of await modulesIn(folders)) {
    const module = await parsed(await readFile(path, 'utf8'))
    for (const name of namesIn(module)) members.add(`${relative(ROOT, path)}: ${name}`)
    for (const name of callsIn(module)) calls.add(`${relative(ROOT, path)}: ${name}`)
    for (const name of classesIn(module)) classes.add(`${relative(ROOT, path)}: ${name}`)
  }
  return { members: [...members].sort(), calls: [...calls].sort(), classes: [...classes].sort() }
}

/** The members that one module's text names. */
export async function memberNames(text: string): Promise<readonly string[]> {
  return [...namesIn(await parsed(text))]
}

type Node = Readonly<Record<string, unknown>>

const parsed = (text: string) => parse(text, { syntax: 'typescript', target: 'es2024' })

async function modulesIn(folders: readonly string[]): Promise<readonly string[]> {
  const lists = folders.map(async (folder) => {
    const entries = await readdir(join(ROOT, folder), { recursive: true })
    return entries.filter((name) => name.endsWith('.ts')).map((name) => join(ROOT, folder, name))
  })
  return (await Promise.all(lists)).flat()
}

function* nodesOf(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value as Node
  for (const child of Object.values(value)) yield* nodesOf(child)
}

function* namesIn(module: unknown): Generator<string> {
  for (const node of nodesOf(module)) {
    const name =
      node['type'] === 'MemberExpression' || node['type'] === 'SuperPropExpression'
        ? nameOf(node['property'])
        : node['type'] === 'KeyValuePatternProperty' || node['type'] === 'AssignmentPatternProperty'
          ? nameOf(node['key'])
          : undefined
    if (name !== undefined) yield name
  }
}

/** What an identifier, a text, or a text in brackets says. */
function nameOf(value: unknown): string | undefined {
  const node = value as Node | undefined
  if (node?.['type'] === 'Computed') return nameOf(node['expression'])
  if (node?.['type'] === 'TemplateLiteral') return nameOf((node['quasis'] as Node[])[0])
  const name = node?.['value'] ?? node?.['cooked']
  return typeof name === 'string' ? name : undefined
}

function* callsIn(module: unknown): Generator<string> {
  for (const node of nodesOf(module)) {
    const { type, property } = (node['callee'] ?? {}) as Node
    if (node['type'] !== 'NewExpression' && type === 'MemberExpression') yield nameOf(property) ?? ''
  }
}

function* classesIn(module: unknown): Generator<string> {
  for (const { type, callee } of nodesOf(module)) {
    const { type: kind, property } = (callee ?? {}) as Node
    if (type === 'NewExpression') yield nameOf(kind === 'MemberExpression' ? property : callee) ?? ''
  }
}
