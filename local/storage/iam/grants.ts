import { forbidden } from '../errors.ts'
import { type Permission, ROLES, type Role, resourceKind } from './roles.ts'

/** A role on a bucket, as in the bucket's IAM policy. */
export interface Binding {
  readonly role: Role
  readonly bucket: string
  /**
   * Only objects whose names begin so. On Google it is the condition
   * `resource.name.startsWith("projects/_/buckets/BUCKET/objects/PREFIX")`: a list is a matter of the bucket, so refused.
   */
  readonly below?: readonly string[]
}

/** Who calls, and what has been granted to them. */
export interface Account {
  /** By which refusals name it. */
  readonly email: string
  readonly bindings: readonly Binding[]
}

/** Accounts by the names that entrances call them by. */
export type Accounts = Readonly<Record<string, Account>>

/** What is asked for: a bucket, or an object in it; without either the project. */
export interface Target {
  readonly bucket?: string
  readonly name?: string
}

/** One who calls. */
export interface Caller {
  may(permission: string, target: Target): boolean
  /** @throws StorageError 403 */
  require(permission: Permission, target: Target): void
}

/** Whoever comes in without an account: the project's owner. */
export const OWNER = 'owner'

const OWNER_ACCOUNT: Account = { email: 'owner@local-project.iam.gserviceaccount.com', bindings: [] }

/** Who may do what: the owner everything, others what has been granted to them, and nobody what is denied to them. */
export class Grants {
  readonly #accounts: Map<string, Account>
  readonly #denied = new Map<string, ReadonlySet<string>>()

  constructor(accounts: Accounts) {
    this.#accounts = new Map(Object.entries(accounts))
  }

  /** All but the owner. */
  accounts(): Accounts {
    return Object.fromEntries(this.#accounts)
  }

  has(account: string): boolean {
    return account === OWNER || this.#accounts.has(account)
  }

  /** Replaces what has been granted to an account. @throws Error for one that there is not, and the owner */
  grant(account: string, bindings: readonly Binding[]): void {
    if (account === OWNER) throw new Error('The owner may do everything. Deny permissions instead.')
    this.#accounts.set(account, { ...this.#account(account), bindings })
  }

  /** Replaces what is denied to an account. @throws Error for one that there is not */
  deny(account: string, permissions: readonly string[]): void {
    this.#account(account)
    this.#denied.set(account, new Set(permissions))
  }

  /** A caller, who may do what is granted at the time of each call. @throws Error for one that there is not */
  callerOf(account: string): Caller {
    const { email } = this.#account(account)
    const may: Caller['may'] = (permission, target) => this.#allows(account, permission, target)
    return {
      may,
      require(permission, target) {
        if (!may(permission, target)) throw forbidden(email, permission, resourceKind(permission))
      },
    }
  }

  #allows(account: string, permission: string, { bucket, name }: Target): boolean {
    if (this.#denied.get(account)?.has(permission)) return false
    if (account === OWNER) return true
    return this.#account(account).bindings.some(
      ({ role, below, ...binding }) =>
        binding.bucket === bucket &&
        ROLES[role].some((allowed) => allowed === permission) &&
        (below === undefined || below.some((prefix) => name?.startsWith(prefix))),
    )
  }

  #account(name: string): Account {
    const account = name === OWNER ? OWNER_ACCOUNT : this.#accounts.get(name)
    if (account === undefined) throw new Error(`There is no account '${name}' here.`)
    return account
  }
}
