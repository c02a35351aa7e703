import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { alertRules } from '../support/alerts.ts'

interface Provocation {
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[]
}

const { tests } = parse(readFileSync(join(import.meta.dirname, 'alerts.test.yml'), 'utf8')) as {
  readonly tests: readonly [Provocation, ...Provocation[]]
}

describe('the tests for promtool', () => {
  test('provoke every alert, and have a quiet day on which each must keep still', () => {
    const [quiet, ...provocations] = tests
    const names = alertRules().map(({ alert }) => alert)
    const expected = quiet.alert_rule_test.filter(({ exp_alerts }) => exp_alerts.length === 0)
    expect(expected.map(({ alertname }) => alertname).sort()).toEqual([...names].sort())
    const fired = provocations.flatMap(({ alert_rule_test }) =>
      alert_rule_test.filter(({ exp_alerts }) => exp_alerts.length > 0),
    )
    expect([...new Set(fired.map(({ alertname }) => alertname))].sort()).toEqual([...names].sort())
  })
})
