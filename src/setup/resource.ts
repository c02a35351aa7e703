/** What set-up found of one thing, before it does anything about it. */
export type Inspection =
  | {
      readonly state: 'right'
      /** What is not as it should be, but not for set-up to change; with what to do. */
      readonly warning?: Fault
    }
  | {
      readonly state: 'missing' | 'differs'
      /** One sentence that says what is wrong. */
      readonly finding: string
      /** Makes it right. */
      mend(): Promise<void>
    }
  /** Nothing that set-up could mend. */
  | { readonly state: 'wrong'; readonly fault: Fault }

/** What is wrong, in one sentence, and the command or step that mends it. */
export interface Fault {
  readonly finding: string
  readonly remedy: string
}

/** One thing that a deployment needs: set-up makes it, and the doctor looks for it. */
export interface Resource {
  /** Such as `bucket gs://my-project-raw`. */
  readonly thing: string
  /** How it is to be, in a few words, for whoever makes it. */
  readonly detail: string
  /** Of Google's APIs, for the advice when it is refused; absent for what is in Temporal. */
  readonly api?: 'storage' | 'bigquery'
  /** The thing that it lies in: unless that is right, this one is left alone. */
  readonly standsOn?: string
  inspect(): Promise<Inspection>
}
