import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, readFile, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '..', '..', '..')

/** A stage's file tree on this machine, and how its processes are started. */
export interface StageTree {
  /** Stands for the stage's `/app`. */
  readonly folder: string
  /** `ENV`, with paths below `/app` made paths below the folder. */
  readonly env: Readonly<Record<string, string>>
  readonly entrypoint: readonly string[]
  readonly user: string
}

/**
 * Lays out what the stages of the Dockerfile copy and run, without a container engine: `COPY` copies what the context
 * holds by .dockerignore, `npm ci` becomes a link to the packages that are here, what a `RUN` changes outside `/app` is
 * left out, and every other `RUN` is run.
 * @param into an existing folder
 * @returns the tree of the stage that is named
 */
export async function buildStage(name: string, into: string): Promise<StageTree> {
  const stages = new Map<string, StageTree>()
  const context = await contextEntries()
  let stage: StageTree | undefined
  for (const [instruction, rest] of await instructions()) {
    if (instruction === 'FROM') {
      if (stages.has(name)) break
      const as = rest.split(' AS ')[1] ?? ''
      stage = { folder: join(into, as), env: {}, entrypoint: [], user: '' }
      await mkdir(stage.folder)
      stages.set(as, stage)
    } else if (stage !== undefined) {
      stage = await apply(stage, instruction, rest, stages, context)
      stages.set(stage.folder.slice(into.length + 1), stage)
    }
  }
  const built = stages.get(name)
  if (built === undefined) throw new Error(`The Dockerfile has no stage ${name}.`)
  return built
}

async function apply(
  stage: StageTree,
  instruction: string,
  rest: string,
  stages: ReadonlyMap<string, StageTree>,
  context: readonly string[],
): Promise<StageTree> {
  switch (instruction) {
    case 'COPY':
      await copy(stage, rest, stages, context)
      return stage
    case 'RUN':
      await run(stage, rest)
      return stage
    case 'ENV': {
      const pairs = rest.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)
      const here = [...pairs].map(([, key, quoted, plain = '']) => [
        key,
        (quoted ?? plain).replace(/^\/app\b/, stage.folder),
      ])
      return { ...stage, env: { ...stage.env, ...Object.fromEntries(here) } }
    }
    case 'ENTRYPOINT':
      return { ...stage, entrypoint: JSON.parse(rest) }
    case 'USER':
      return { ...stage, user: rest }
    default:
      return stage
  }
}

async function copy(
  stage: StageTree,
  rest: string,
  stages: ReadonlyMap<string, StageTree>,
  context: readonly string[],
): Promise<void> {
  const words = rest.split(' ')
  const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined
  const target = words.pop() ?? ''
  for (const source of words) {
    const base = from === undefined ? ROOT : (stages.get(from)?.folder ?? '')
    const path = source.replace(/^\/app\//, '')
    if (from === undefined && !context.some((entry) => path === entry || path.startsWith(`${entry}/`))) {
      throw new Error(`COPY ${path}: .dockerignore keeps it out of the context.`)
    }
    const to = target.endsWith('/') ? join(stage.folder, target, path) : join(stage.folder, target)
    await mkdir(dirname(to), { recursive: true })
    await cp(join(base, path), to, { recursive: true, verbatimSymlinks: true })
  }
}

async function run(stage: StageTree, command: string): Promise<void> {
  // This machine's system must stay as it is.
  if (/(^apt-get | \/(?!app\b))/.test(command)) return
  if (command.startsWith('npm ci ')) {
    await symlink(join(ROOT, 'node_modules'), join(stage.folder, 'node_modules'))
    return
  }
  const path = `${join(ROOT, 'node_modules', '.bin')}:${process.env['PATH']}`
  await promisify(execFile)('/bin/sh', ['-c', command], {
    cwd: stage.folder,
    env: { PATH: path, HOME: stage.folder },
  })
  await chmod(stage.folder, 0o755)
}

async function instructions(): Promise<[string, string][]> {
  const text = await readFile(join(ROOT, 'Dockerfile'), 'utf8')
  return text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => /^[A-Z]+ /.test(line))
    .map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)])
}

/** The files and folders that .dockerignore lets in. */
async function contextEntries(): Promise<string[]> {
  const lines = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n')
  return lines.flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
}
