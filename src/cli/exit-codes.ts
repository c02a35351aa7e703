/** What the exit status says; documented in the help. */
export const EXIT = {
  success: 0,
  /** The run ended, but not well. */
  runFailed: 1,
  /** The command line or the request cannot be used. */
  usage: 2,
  /** No valid identity, or one that may not do this. */
  notAllowed: 3,
  /** The gateway, or who gives out tokens, did not answer in time. */
  unreachable: 4,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** The same for the end of every help page. */
export const EXIT_HELP = `
Exit status:
  0  done; with --wait: the run succeeded
  1  the run failed, was cancelled or terminated; setup or export failed; doctor has found a fault
  2  something in the command or the request cannot be used
  3  not allowed: no valid credentials, or the caller is not on the gateway's list
  4  the gateway or the token service cannot be reached, or took too long`

/** A failure of a command: a sentence that says what is wrong and what to do, and the exit status. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: ExitCode
  /** What to do, where it has a line of its own. In our words only: the message may quote others, this is followed. */
  readonly remedy: string | undefined

  constructor(
    exitCode: ExitCode,
    message: string,
    { remedy, ...options }: ErrorOptions & { readonly remedy?: string } = {},
  ) {
    super(message, options)
    this.exitCode = exitCode
    this.remedy = remedy
  }
}
