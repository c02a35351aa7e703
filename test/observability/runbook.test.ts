import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { FAILURES } from '../../workflows/contract.ts'
import { alertRules, ROOT } from '../support/alerts.ts'

const runbook = readFileSync(join(ROOT, 'docs', 'runbook.md'), 'utf8')

/** Headings of the third level under one of the second. */
function headingsUnder(title: string): string[] {
  const [, rest = ''] = runbook.split(`\n## ${title}\n`)
  const [section = ''] = rest.split('\n## ')
  return [...section.matchAll(/^### (.+)$/gm)].map(([, heading = '']) => heading)
}

describe('the runbook', () => {
  test('has a section for every failure, and for nothing else', () => {
    expect(headingsUnder('Failures')).toEqual(Object.keys(FAILURES))
  })

  test('has a section for every alert, which the alert links to', () => {
    const names = alertRules().map(({ alert }) => alert)
    expect(names.length).toBeGreaterThan(10)
    expect(headingsUnder('Alerts')).toEqual(names)
    for (const { alert, annotations } of alertRules()) {
      expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`)
    }
  })

  test('links only to headings and files that are there', () => {
    const anchors = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading.toLowerCase().replaceAll(' ', '-'),
    )
    for (const [, target = ''] of runbook.matchAll(/\]\(([^)]+)\)/g)) {
      if (target.startsWith('#')) expect(anchors).toContain(target.slice(1))
      else expect(readFileSync(join(ROOT, 'docs', target))).not.toHaveLength(0)
    }
  })
})

describe('each alert', () => {
  test('says how urgent it is, and what happened', () => {
    for (const { labels, annotations } of alertRules()) {
      expect(['critical', 'warning']).toContain(labels.severity)
      expect(annotations.summary).toMatch(/\.$/)
    }
  })
})
