// Prints the software bill of materials of the image: every package that it installs, in CycloneDX's format.
//   npm run --silent sbom > sbom.json
// It is made of a copy of the lock file without development packages: `npm sbom --omit dev` also leaves out what a
// development package needs too, such as Temporal's SDK.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const scratch = mkdtempSync(join(tmpdir(), 'sbom-'))
try {
  const { devDependencies: _, ...manifest } = read('package.json')
  const lock = read('package-lock.json')
  const installed = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true)
  // npm names the whole after the folder.
  const folder = join(scratch, manifest.name)
  mkdirSync(folder)
  write(folder, 'package.json', manifest)
  write(folder, 'package-lock.json', {
    ...lock,
    packages: { '': manifest, ...Object.fromEntries(installed) },
  })
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only', `--prefix=${folder}`]
  execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

function read(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8'))
}

function write(folder, file, content) {
  writeFileSync(join(folder, file), JSON.stringify(content))
}
