import { createGoogleClients, needsCredentials } from '../clients.ts'
import {
  hasGatewaySettings,
  loadGatewayConfig,
  loadSetupConfig,
  namesCredentials,
  type SetupConfig,
} from '../config.ts'
import { ConfigurationError } from '../environment.ts'
import { type GoogleIdentity, googleIdentity } from '../google-identity.ts'
import { CREDENTIALS, explainer } from '../setup/explain.ts'
import { examineClock } from './clock.ts'
import { examineDataproc } from './dataproc.ts'
import { type Finding, fault, ok, skipped } from './finding.ts'
import { examineIam } from './iam.ts'
import { examineStateAccess } from './state-access.ts'
import { examineStorage } from './storage.ts'
import { examineTemporal } from './temporal.ts'
import { examineWarehouse } from './warehouse.ts'

const GOOGLE_STORAGE = 'https://storage.googleapis.com'

/** What the doctor is given by whoever calls it. */
export interface DoctorOptions {
  /** Told of each finding, in an order that is always the same. */
  readonly tell: (finding: Finding) => void
  /** Asks the gateway for a run as a trigger would; absent when no gateway is named. */
  readonly askGateway?: () => Promise<Finding>
  /** Where the settings are read; default: the environment. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Looks at everything that a deployment needs, changes nothing, and says of each fault how to mend it. */
export async function examineDeployment(options: DoctorOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const tell = (finding: Finding): void => {
    findings.push(finding)
    options.tell(finding)
  }
  const { config, callers, findings: first } = examineConfiguration(options.env)
  for (const finding of first) tell(finding)
  const groups =
    config === undefined
      ? []
      : await examineServices(config, { callers, credentialsNamed: namesCredentials(options.env), tell })
  const gateway =
    options.askGateway?.() ?? Promise.resolve(skipped('the gateway, since GATEWAY_URL is not set'))
  for (const group of [...groups, gateway.then((finding) => [finding])])
    for (const finding of await group) tell(finding)
  return findings
}

/** @returns the configuration, unless a fault keeps everything else from being looked at */
function examineConfiguration(env: DoctorOptions['env']): {
  readonly config?: SetupConfig
  /** Who may call the gateway, as far as its settings are known here. */
  readonly callers: readonly string[]
  readonly findings: readonly Finding[]
} {
  const faults = new Set<string>()
  const attempt = <T>(load: () => T): T | undefined => {
    try {
      return load()
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error
      for (const line of error.faults) faults.add(line)
      return undefined
    }
  }
  const config = attempt(() => loadSetupConfig(env))
  const gateway = hasGatewaySettings(env)
  const callers =
    (gateway ? attempt(() => loadGatewayConfig(env)) : undefined)?.authentication.allowedCallers ?? []
  const findings = [...faults].map((line) =>
    fault({
      finding: /[.?]$/.test(line) ? line : `${line}.`,
      remedy: 'Set it in .env; docs/configuration.md lists all settings.',
    }),
  )
  if (config === undefined)
    return { callers, findings: [...findings, skipped('all that needs the settings')] }
  const unread = gateway ? [] : [skipped("the gateway's settings, since none is set here")]
  return {
    config,
    callers,
    findings: [...(findings.length > 0 ? findings : [ok('the settings')]), ...unread],
  }
}

async function examineServices(
  config: SetupConfig,
  {
    callers,
    credentialsNamed,
    tell,
  }: {
    readonly callers: readonly string[]
    readonly credentialsNamed: boolean
    readonly tell: (finding: Finding) => void
  },
): Promise<readonly Promise<readonly Finding[]>[]> {
  const { identity, finding } = await examineCredentials(config, credentialsNamed)
  tell(finding)
  const { project, storageEndpoint } = config.google
  const account = identity?.account
  const explain = explainer({ project, temporalAddress: config.temporal.address, account })
  const examiner = { explain, project, account }
  const temporal = examineTemporal(config, examiner)
  const clock = examineClock(storageEndpoint ?? GOOGLE_STORAGE).then((result) => [result])
  if (finding.state === 'fault' && needsCredentials(config.google)) {
    return [
      Promise.resolve([skipped('what is in Google Cloud, since there are no credentials')]),
      temporal,
      clock,
    ]
  }
  const google = createGoogleClients(config.google)
  const groups = [
    examineStorage(google.storage, config, examiner),
    examineStateAccess(google.storage, config, callers, examiner),
    examineWarehouse(google.bigquery, config, examiner),
    examineDataproc(google, config, examiner),
    examineIam(config, examiner),
  ]
  void Promise.allSettled(groups).then(() => google.close())
  return [...groups, temporal, clock]
}

async function examineCredentials(
  config: SetupConfig,
  named: boolean,
): Promise<{ readonly identity?: GoogleIdentity; readonly finding: Finding }> {
  if (!needsCredentials(config.google) && !named) {
    return { finding: skipped("Google credentials, since no endpoint is Google's") }
  }
  try {
    const identity = await googleIdentity()
    return { identity, finding: ok(`Google credentials of ${identity.account ?? 'whoever runs this'}`) }
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0]
    return {
      finding: fault({ finding: `The Google credentials cannot be used: ${reason}`, remedy: CREDENTIALS }),
    }
  }
}
