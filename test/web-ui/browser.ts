import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Locator, type Page } from 'playwright-core'

const ROOT = join(import.meta.dirname, '..', '..')

/** Nothing that calls home, and what a container without a GPU and without user namespaces needs. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Wide enough for the table of a run's steps. */
const VIEWPORT = { width: 1600, height: 900 }

/** A browser with one page. */
export interface Browser {
  readonly page: Page
  /**
   * Keeps what the page shows in the folder that SCREENSHOTS names, if it names one.
   * @param options.above what is not to be seen any more
   */
  picture(name: string, options?: { readonly above?: Locator }): Promise<void>
  close(): Promise<void>
}

/** Opens the system's Chromium with an empty profile; `CHROMIUM` names another one than Debian's. */
export async function openBrowser(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    headless: true,
    viewport: VIEWPORT,
    timezoneId: 'UTC',
    args: ARGUMENTS,
  })
  context.setDefaultTimeout(60_000)
  const page = context.pages()[0] ?? (await context.newPage())
  const folder = process.env['SCREENSHOTS']
  return {
    page,
    async picture(name, { above } = {}) {
      if (!folder) return
      const end = await above?.boundingBox()
      await page.screenshot({
        path: join(ROOT, folder, `${name}.png`),
        animations: 'disabled',
        ...(end && { clip: { x: 0, y: 0, width: VIEWPORT.width, height: end.y } }),
      })
    },
    async close() {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}
