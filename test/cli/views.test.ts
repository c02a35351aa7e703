import { stripVTControlCharacters } from 'node:util'
import { expect, test } from '@jest/globals'
import { baseUrlOf, modernised } from '../../src/cli/arguments.ts'
import { durationText } from '../../src/cli/view/text.ts'
import { liveView } from '../../src/cli/view/views.ts'
import type { RunJson } from '../../src/gateway/schemas/run.ts'

const run: RunJson = {
  run_id: 'r',
  workflow_id: 'average-speed/r',
  status: 'running',
  started_at: '2019-03-01T00:00:00.000Z',
  links: { self: '/runs/r', web_ui: 'http://ui.test/r' },
  steps: [
    {
      name: 'createCluster',
      state: 'running',
      started_at: new Date().toISOString(),
      detail: 'x'.repeat(100),
    },
    { name: 'runSparkJob', state: 'pending' },
  ],
  activities: [{ name: 'createCluster', attempt: 2, state: 'started', last_failure: 'No quota.' }],
}

test('a list at a terminal is written over itself, each line no wider than the terminal', () => {
  let written = ''
  const output = Object.assign(Object.create(process.stdout), {
    columns: 40,
    isTTY: true,
    write(text: string) {
      written += text
      return true
    },
  }) as NodeJS.WriteStream
  const view = liveView(output)
  view.show(run)
  expect(written.split('\n').slice(0, -1)).toHaveLength(4)
  for (const line of written.split('\n')) expect(stripVTControlCharacters(line).length).toBeLessThan(40)
  written = ''
  view.show({ ...run, status: 'succeeded' })
  expect(written.startsWith('\x1b[4A\x1b[0J')).toBe(true)
  expect(written).toContain('http://ui.test/r')
})

test('times are told in the units that matter', () => {
  expect([800, 41_000, 185_000, 7_800_000].map(durationText)).toEqual([
    '0.8 s',
    '41 s',
    '3 m 05 s',
    '2 h 10 m',
  ])
})

test('old spellings and old addresses are understood, values are left alone', () => {
  expect(modernised(['--iapClientId=a=b', '--raw_path', '--raw_path/x', '--json'])).toEqual([
    '--iap-client-id=a=b',
    '--raw-path',
    '--raw_path/x',
    '--json',
  ])
  for (const url of [
    'https://h/x/',
    'https://h/x/api/experimental/dags/average-speed/dag_runs',
    'https://h/x/api/v1/dags/average-speed/dagRuns/',
  ]) {
    expect(baseUrlOf(url)).toBe('https://h/x')
  }
})
