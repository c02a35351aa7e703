import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOCAL, TOOLCHAIN, VENV, VENV_PYTHON } from './paths.mjs'
import { ask, run } from './run.mjs'

const PIP = [
  '-m',
  'pip',
  '--disable-pip-version-check',
  '--no-input',
  'install',
  '--quiet',
  '--require-hashes',
  // The files name every package, so nothing is left to resolve; where one package asks for an extra of another, pip would
  // look for the newest release, which has no hash here.
  '--no-deps',
]

/**
 * Installs one requirements file into the shared Python environment, which is made if it is not there.
 * @param {string} name as shown to the user
 * @param {string} file a pinned and hashed file beside this folder
 */
export function pythonTools(name, file) {
  const requirements = join(TOOLCHAIN, file)
  // The stamp lies inside the environment, so that it goes when that goes.
  const stamp = join(VENV, `.installed-${file}`)
  const wanted = () => createHash('sha256').update(readFileSync(requirements)).digest('hex')
  return {
    name,
    isDone: () => existsSync(VENV_PYTHON) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted(),
    async run(python) {
      await ensureVenv(python)
      await run(VENV_PYTHON, [...PIP, '--requirement', join(TOOLCHAIN, 'requirements-build.txt')])
      // Spark comes as a source package of 300 MB; packing it again before unpacking it takes half a minute for nothing.
      const buildSettings = join(LOCAL, 'build-settings.cfg')
      writeFileSync(buildSettings, '[bdist_wheel]\ncompression = stored\n')
      const install = [...PIP, '--no-build-isolation', '--use-pep517', '--requirement', requirements]
      await run(VENV_PYTHON, install, { DIST_EXTRA_CONFIG: buildSettings })
      writeFileSync(stamp, wanted())
    },
  }
}

/** An environment whose Python no longer starts, because the machine's was upgraded or removed, is made anew. */
async function ensureVenv(python) {
  if (ask(VENV_PYTHON, ['-m', 'pip', '--version']) !== undefined) return
  rmSync(VENV, { recursive: true, force: true })
  await run(python, ['-m', 'venv', VENV])
}
