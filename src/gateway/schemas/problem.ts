import { Type } from 'typebox'

/** A problem detail: RFC 9457. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong, and what to do.' }),
    request_id: Type.String({ description: 'Quote it when you ask the operators.' }),
  },
  { additionalProperties: true },
)

const MEANINGS: Readonly<Record<number, string>> = {
  400: 'The request cannot be read.',
  401: 'No proof of identity, or none that counts.',
  403: 'The caller, or a bucket that it names, is not allowed.',
  404: 'There is no such run.',
  405: 'The resource has no such method.',
  409: 'It does not fit what is there.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  429: 'Too many requests; Retry-After says how long to wait.',
  500: 'A fault of the gateway.',
  503: 'The gateway cannot do it at the moment; Retry-After says when to try again.',
}

/** The replies that every authenticated route may give, and those of `more`. */
export function problems(...more: readonly number[]) {
  return Object.fromEntries(
    [...new Set([400, 401, 403, 429, 500, 503, ...more])].map((status) => [
      status,
      {
        description: MEANINGS[status] ?? 'A problem.',
        content: { 'application/problem+json': { schema: ProblemSchema } },
      },
    ]),
  )
}
