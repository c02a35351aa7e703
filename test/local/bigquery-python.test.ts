import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { runPytest } from '../support/python.ts'

let cloud: TestCloud

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage', 'bigquery'] })
})
afterAll(() => cloud.close())

test("Google's Python client does not tell the local BigQuery from the real one", async () => {
  const report = await runPytest(join(import.meta.dirname, 'python', 'bigquery_conformance.py'), cloud.env)
  expect(report).toMatch(/9 passed/)
})
