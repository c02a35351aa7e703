import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'

const ROOT = join(import.meta.dirname, '..', '..')

let folder: string
let bin: string

/** A project with nothing in it but set-up, and a PATH on which only what a test puts there is found. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'set-up-'))
  bin = join(folder, 'bin')
  await cp(join(ROOT, 'local', 'toolchain'), join(folder, 'local', 'toolchain'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{}')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Programs by name; each is a shell script. */
function onPath(programs: Record<string, string>): void {
  rmSync(bin, { recursive: true, force: true })
  mkdirSync(bin)
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  symlinkSync('/bin/sh', join(bin, 'sh'))
}

function setUp(...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const script = join(folder, 'local', 'toolchain', 'set-up.mjs')
    execFile(
      process.execPath,
      [script, ...args],
      { env: { PATH: bin, JAVA_HOME: '/java' } },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr })
      },
    )
  })
}

const NPM = 'echo 11.0.0'

test.each([
  ['npm', {}, /^npm is needed and was not found\. Install npm; .*\n$/],
  ['Python', { npm: NPM }, /^Python 3\.10 or later is needed; none was found\. Install .*\n$/],
  [
    'a newer Python',
    { npm: NPM, python3: 'echo 3.9' },
    /^Python 3\.10 or later is needed; this is 3\.9\. Install .*\n$/,
  ],
  [
    "Python's venv",
    { npm: NPM, python3: 'case "$2" in *venv*) exit 1;; *) echo 3.12;; esac' },
    /^Python's venv module is needed and is missing\. Install it; .* python3\.12-venv\.\n$/,
  ],
])('Set-up without %s ends with one line that says what to install', async (_what, programs, line) => {
  onPath(programs)
  const { code, output } = await setUp()
  expect(output).toMatch(line)
  expect(code).toBe(1)
})

test('Set-up shows what a failed step said and where its log is', async () => {
  onPath({
    npm: `case "$1" in --version) ${NPM};; *) echo "the registry is away"; exit 1;; esac`,
    python3: 'case "$2" in venv) exec sleep 30;; *) echo 3.12;; esac',
    sleep: 'exec /bin/sleep "$@"',
  })
  const begin = performance.now()
  const { code, output } = await setUp()
  expect(output).toMatch(/npm packages: FAILED/)
  expect(output).toMatch(/the registry is away\n\nSet-up failed\. All output is in \.local\/set-up\.log\.\n$/)
  expect(code).toBe(1)
  expect(performance.now() - begin).toBeLessThan(15_000)
})

test('Set-up refuses an option that it does not know', async () => {
  onPath({})
  expect(await setUp('--force')).toMatchObject({
    code: 2,
    output: expect.stringMatching(/no option --force/),
  })
})

test('Set-up that is up to date says nothing and takes less than half a second', () => {
  const script = join(ROOT, 'local', 'toolchain', 'set-up.mjs')
  const milliseconds = Array.from({ length: 5 }, () => {
    const begin = performance.now()
    expect(execFileSync(process.execPath, [script, '--tests'], { encoding: 'utf8', stdio: 'pipe' })).toBe('')
    return performance.now() - begin
  })
  // The quickest one: the others also measure what else the machine is doing.
  expect(Math.min(...milliseconds)).toBeLessThan(500)
})
