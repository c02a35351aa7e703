import fc from 'fast-check'
import type { Attack } from './attack.ts'

/** What a URL must not smuggle into a run's name. Bytes beyond ASCII go out as they are. */
const trick = fc.oneof(
  fc.constantFrom(
    ...[
      '..',
      '.',
      '%2e',
      '%2e%2e',
      '%2e%2e%2f',
      '..%2f..%2f',
      '%252e%252e',
      '..;',
      '%c0%ae%c0%ae',
      '%00',
      'x%00',
    ],
    ...['%ff', '%', '%zz', '%0d%0aX-Evil:1', '*', '%2a', '%5c..%5c', 'a%2fb', '%20', '~', '@', '%ud800'],
    ...['__proto__', 'a'.repeat(201), 'a'.repeat(600), '\xff\xfe', '%F0%9F', '%E2%80%AE', '[object Object]'],
  ),
  fc.stringMatching(/^[%.;@~$!*'()+,_-][A-Za-z0-9%.;@~$!*'()+,_/-]{0,40}$/),
)

const targetOf = (name: fc.Arbitrary<string>) =>
  fc
    .tuple(
      name,
      fc.constantFrom<readonly [string, string, string]>(
        ['GET', '/runs/', ''],
        ['POST', '/runs/', '/cancel'],
        ['POST', '/runs/', '/retry'],
        ['GET', '/api/experimental/dags/average-speed/dag_runs/', ''],
        ['GET', '/api/v1/dags/average-speed/dagRuns/', ''],
        ['PATCH', '/api/v2/dags/average-speed/dagRuns/', ''],
        ['GET', '/api/v2/dags/average-speed/dagRuns/', '/wait?interval=1'],
        ['POST', '/api/v2/dags/', '/dagRuns'],
        ['POST', '/api/experimental/dags/', '/dag_runs'],
      ),
    )
    .map(([text, [method, before, after]]) => ({ method, target: `${before}${text}${after}` }))

/** Path tricks in the URL, and the caller's own token, which must not get into the log from there. */
export const urlAttacks = (authorization: string): fc.Arbitrary<Attack> => {
  const token = authorization.replace(/^.* /, '')
  const names = fc.oneof(
    { arbitrary: trick, weight: 20 },
    { arbitrary: fc.constantFrom(token, token.slice(0, 199)), weight: 1 },
  )
  return targetOf(names).map((request) => {
    const body = Buffer.from(request.method === 'GET' ? '' : '{"logical_date": null, "state": "failed"}')
    const headers = [authorization, 'Content-Type: application/json']
    return { name: 'a path trick in the URL', request: { ...request, headers, body } }
  })
}

const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    "' OR 1=1 --",
    "x' OR WorkflowType != '",
    '%',
    '_',
    '\\',
    '../../raw-1',
    '1e309',
    '-1',
    'NaN',
    '[]',
  ),
)
const name = fc.oneof(
  fc.constantFrom('status', 'started_by', 'raw_path', 'step', 'started_after', 'limit', 'cursor', 'order_by'),
  fc.constantFrom('offset', 'state', '__proto__', 'constructor', 'status[]', 'a[b][c]', 'toString'),
)

/** Filters that try to be more than filters; one that is well-formed finds nothing. */
export const queryAttacks = (authorization: string): fc.Arbitrary<Attack> =>
  fc
    .tuple(
      fc.constantFrom('/runs', '/api/v1/dags/average-speed/dagRuns', '/api/v2/dags/average-speed/dagRuns'),
      fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 4 }),
    )
    .map(([path, pairs]) => {
      const query = pairs.map(([key, text]) => `${encodeURIComponent(key)}=${escaped(text)}`).join('&')
      const request = { method: 'GET', target: `${path}?${query}`, headers: [authorization] }
      return { name: 'a trick in the query', harmless: true, request }
    })

function escaped(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}
