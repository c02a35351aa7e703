import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { workflowIdOf } from '../../workflows/contract.ts'
import { startTestGateway, type TestGateway } from './support/gateway.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway?.close())

const RAW_PATH = 'gs://raw-bucket/exports/raw-2019-03-01T000000/'

/** Sends a request, and returns its answer with the line that was logged about it. */
async function logged(method: 'GET' | 'POST', url: string, payload?: object) {
  const headers = await gateway.headers({ 'content-type': 'application/json' })
  const reply = await gateway.app.inject({ method, url, headers, ...(payload && { payload }) })
  const id = String(reply.headers['x-request-id'])
  const lines = gateway.log().split('\n')
  const line: unknown = JSON.parse(
    lines.find((text) => text.includes(id) && text.includes('answered')) ?? '{}',
  )
  return { body: reply.json<Record<string, string>>(), line }
}

describe('the line about a request', () => {
  test.each([
    ['/runs', { raw_path: RAW_PATH }, 'run_id'],
    ['/api/experimental/dags/average-speed/dag_runs', { conf: { raw_path: RAW_PATH } }, 'run_id'],
    ['/api/v1/dags/average-speed/dagRuns', { conf: { raw_path: RAW_PATH } }, 'dag_run_id'],
    [
      '/api/v2/dags/average-speed/dagRuns',
      { logical_date: '2019-03-01T00:00:00Z', conf: { raw_path: RAW_PATH } },
      'dag_run_id',
    ],
  ])('POST %s names the run whose id the gateway has made up', async (url, payload, field) => {
    const { body, line } = await logged('POST', url, payload)
    expect(line).toMatchObject({ service: 'gateway', workflowId: workflowIdOf(body[field] ?? 'none') })
  })

  test('names the run that the caller asks for, also one that is not there', async () => {
    const { line } = await logged('GET', '/runs/never-heard-of')
    expect(line).toMatchObject({ status: 404, workflowId: 'average-speed/never-heard-of' })
  })

  test('names the run of a request that is refused', async () => {
    await logged('POST', '/runs', { run_id: 'twice', raw_path: RAW_PATH })
    const { line } = await logged('POST', '/runs', { run_id: 'twice', raw_path: RAW_PATH, max_rejects: 5 })
    expect(line).toMatchObject({ status: 409, workflowId: 'average-speed/twice' })
  })

  test('names no run where it is about many', async () => {
    const { line } = await logged('GET', '/runs')
    expect(line).toMatchObject({ status: 200 })
    expect(line).not.toHaveProperty('workflowId')
  })

  test('says nothing of a token that somebody puts where the run id belongs', async () => {
    const { line } = await logged('GET', '/runs/eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.x')
    expect(JSON.stringify(line)).not.toContain('eyJ')
  })
})
