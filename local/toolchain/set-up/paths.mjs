import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))

/** The project's root. */
export const ROOT = join(here, '..', '..', '..')

/** Where everything goes that set-up makes, node_modules aside. */
export const LOCAL = join(ROOT, '.local')

/** The folder of the requirements files. */
export const TOOLCHAIN = join(here, '..')

export const VENV = join(LOCAL, 'venv')
export const VENV_PYTHON = join(VENV, 'bin', 'python')
