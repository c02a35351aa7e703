import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

export const ROOT = join(import.meta.dirname, '..', '..')

/** An alert as Prometheus reads it. */
export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook: string }
}

/** The rules in deploy/prometheus/alerts.yml, in their order. */
export function alertRules(): readonly AlertRule[] {
  const text = readFileSync(join(ROOT, 'deploy', 'prometheus', 'alerts.yml'), 'utf8')
  const { groups } = parse(text) as { readonly groups: readonly { readonly rules: readonly AlertRule[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

/** Names of the pipeline's and of Temporal's metrics in an expression. */
export function metricsIn(expression: string): readonly string[] {
  return [...new Set(expression.match(/\b(average_speed|temporal)_[a-z_]+/g) ?? [])]
}
