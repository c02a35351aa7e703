/** Says in one line what to install when a program is missing: node test/support/needs.mjs PROGRAM PACKAGE */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const [program, debianPackage] = process.argv.slice(2)

function isInstalled(folder) {
  try {
    accessSync(join(folder, program), constants.X_OK)
    return true
  } catch {
    return false
  }
}

if (!(process.env.PATH ?? '').split(delimiter).some(isInstalled)) {
  console.error(`${program} is not on the PATH. Install it, on Debian by: apt-get install ${debianPackage}`)
  process.exitCode = 1
}
