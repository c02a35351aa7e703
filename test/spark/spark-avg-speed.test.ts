import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { tools } from '../../local/toolchain/tools.ts'
import { sparkEnvironment } from '../support/spark.ts'

const folder = join(import.meta.dirname, '..', '..', 'spark')

test('the Spark job reads, converts, rejects and counts as its own tests in Python demand', () => {
  const pytest = spawnSync(tools.python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--color=no'], {
    cwd: folder,
    encoding: 'utf8',
    env: sparkEnvironment(),
  })
  // What pytest has to say is what the reader needs, and Jest shows it only as a part of the comparison.
  expect(pytest.status === 0 ? '' : `${pytest.stdout}\n${pytest.stderr}`).toBe('')
}, 600_000)
