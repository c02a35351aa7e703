import { type Command, Option } from 'commander'
import { credentialUrlFault } from '../endpoints.ts'
import { baseUrlOf } from './arguments.ts'
import { CliError, EXIT } from './exit-codes.ts'
import { type Gateway, gatewayClient } from './gateway-client.ts'
import { idTokens } from './id-token.ts'

/** Options of every command that talks to the gateway. */
export interface ConnectionOptions {
  readonly url?: string
  readonly iapClientId?: string
}

/** Adds the options to a command. */
export function addConnectionOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--url <url>', 'the gateway, such as https://pipeline.example.com').env('GATEWAY_URL'),
    )
    .addOption(
      new Option('--iap-client-id <id>', 'audience of the ID token: the client id of the IAP').env(
        'IAP_CLIENT_ID',
      ),
    )
}

/**
 * The gateway that the options name.
 * @throws CliError when one is missing, is no URL, or would have the token sent where others can read it
 */
export function gatewayOf({ url, iapClientId }: ConnectionOptions): Gateway {
  if (url === undefined || url === '') {
    throw new CliError(EXIT.usage, 'Which gateway? Give --url, or set GATEWAY_URL.')
  }
  if (iapClientId === undefined || iapClientId === '') {
    throw new CliError(
      EXIT.usage,
      'For which audience is the token? Give --iap-client-id, or set IAP_CLIENT_ID.',
    )
  }
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new CliError(EXIT.usage, `--url must be a URL such as https://pipeline.example.com, not ${url}.`)
  }
  const fault = credentialUrlFault(url)
  if (fault !== undefined) {
    throw new CliError(
      EXIT.usage,
      `--url ${fault}, so your token is not sent there. Give the gateway's https:// URL.`,
    )
  }
  return gatewayClient({ baseUrl: baseUrlOf(url), authorize: idTokens(iapClientId) })
}
