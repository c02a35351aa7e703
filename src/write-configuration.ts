/** Writes `.env.example` and `docs/configuration.md` from the schema of the variables. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configurationReference } from './configuration-reference.ts'
import { envTemplate } from './env-template.ts'

const root = join(import.meta.dirname, '..')
writeFileSync(join(root, '.env.example'), envTemplate())
writeFileSync(join(root, 'docs', 'configuration.md'), configurationReference())
