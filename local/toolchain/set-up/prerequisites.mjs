import { ask } from './run.mjs'

/** Something that only the user can install. Its message says what. */
export class MissingPrerequisite extends Error {}

/** True if a dotted version is at least the other. */
function atLeast(version, wanted) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

/**
 * Checks what the machine itself must have.
 * @returns {{ python: string }} the command of a good enough Python
 * @throws {MissingPrerequisite} for the first thing that is missing
 */
export function checkPrerequisites() {
  if (!atLeast(process.versions.node, '20.3')) {
    throw new MissingPrerequisite(
      `Node.js 20.3 or later is needed; this is ${process.versions.node}. Install a newer Node.js.`,
    )
  }
  if (ask('npm', ['--version']) === undefined) {
    throw new MissingPrerequisite('npm is needed and was not found. Install npm; it comes with Node.js.')
  }
  const python = findPython()
  if (process.platform === 'linux' && process.arch !== 'x64' && process.env.JAVA_HOME === undefined) {
    throw new MissingPrerequisite(
      'Java 17 is needed on this kind of machine. Install a JDK 17 and set JAVA_HOME to it.',
    )
  }
  return { python }
}

function findPython() {
  const found = []
  for (const command of ['python3', 'python']) {
    const version = ask(command, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])
    if (version === undefined) continue
    if (!atLeast(version, '3.10')) {
      found.push(version)
      continue
    }
    if (ask(command, ['-c', 'import venv, ensurepip']) !== undefined) return command
    throw new MissingPrerequisite(
      `Python's venv module is needed and is missing. Install it; on Debian and Ubuntu it is the package python${version}-venv.`,
    )
  }
  const what = found.length === 0 ? 'none was found' : `this is ${found[0]}`
  throw new MissingPrerequisite(
    `Python 3.10 or later is needed; ${what}. Install Python 3.10 or later as python3.`,
  )
}
