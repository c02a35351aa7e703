import { describe, expect, test } from '@jest/globals'
import { PathError } from '../../workflows/paths.ts'
import { planRun } from '../../workflows/plan.ts'
import { RUN_DEFAULTS } from '../support/run-defaults.ts'

const INVISIBLE = [
  '\u200b',
  '\u2060',
  '\ufeff',
  '\u00ad',
  '\u180e',
  '\u034f',
  '\ufe0f',
  '\u2800',
  '\u{e0061}',
]

describe('finding 17: no path that looks like a URI, or like another path, starts a run', () => {
  test.each([
    'gs:/raw-bucket/x/raw-1',
    'gs:raw-bucket/x/raw-1',
    '/gs:/raw-bucket/x/raw-1',
    '\\gs:/raw-bucket/x/raw-1',
    'GS://raw-bucket/x/raw-1',
    ' gs://raw-bucket/x/raw-1',
    '\tgs:/raw-bucket/x/raw-1',
    'gs:\\\\raw-bucket\\x\\raw-1',
    '//raw-bucket/x/raw-1',
    'javascript:alert(1)/raw-1',
    '/javascript:alert(1)/raw-1',
    ' / javascript:alert(1)/raw-1',
    'data:text/html,x/raw-1',
    'file:///etc/raw-1',
    's3://raw-bucket/raw-1',
    'C:/exports/raw-1',
    'gs%3a//raw-bucket/raw-1',
    'x\u00a0/raw-1',
    'x\u3000/raw-1',
    'x\u2028/raw-1',
    'x\u202e/raw-1',
    'x\u0085/raw-1',
    ...INVISIBLE.flatMap((one) => [`${one}gs://raw-bucket/raw-1`, `x${one}/raw-1`, `x/raw-1${one}`]),
  ])('%j', (path) => {
    const fields = [
      { rawPath: path },
      { rawPath: 'x/raw-1', transformedPath: path },
      { rawPath: 'x/raw-1', failedPath: path },
    ]
    for (const input of fields) expect(() => planRun(input, RUN_DEFAULTS)).toThrow(PathError)
  })
})
