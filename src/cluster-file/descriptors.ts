/** The messages of Dataproc's API, as the official client ships them: the descriptor that protobufjs makes of the protos. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** A field of a message. */
export interface FieldDescriptor {
  readonly type: string
  readonly rule?: string
  /** Present in maps. */
  readonly keyType?: string
  readonly options?: Readonly<Record<string, unknown>>
}

/** A message, an enum or a package: whichever of its parts are there. */
export interface Descriptor {
  readonly fields?: Readonly<Record<string, FieldDescriptor>>
  readonly oneofs?: Readonly<Record<string, { readonly oneof: readonly string[] }>>
  readonly values?: Readonly<Record<string, number>>
  readonly nested?: Readonly<Record<string, Descriptor>>
}

/** A message or enum with its full name, which the names within it are looked up from. */
export interface NamedDescriptor extends Descriptor {
  readonly fullName: readonly string[]
}

/** Finds messages and enums by name. */
export interface Descriptors {
  /**
   * The type that `name` means within `scope`, by the rules of the protos: the innermost that fits; nothing for scalars.
   * @param scope full name of a message, or none
   */
  find(name: string, scope?: readonly string[]): NamedDescriptor | undefined
}

/** Reads the descriptor; takes some ten milliseconds. */
export function readDescriptors(): Descriptors {
  const main = createRequire(import.meta.url).resolve('@google-cloud/dataproc')
  const file = join(dirname(main), '..', 'protos', 'protos.json')
  const root = JSON.parse(readFileSync(file, 'utf8')) as Descriptor
  const at = (path: readonly string[]): Descriptor | undefined =>
    path.reduce<Descriptor | undefined>((found, part) => found?.nested?.[part], root)
  return {
    find(name, scope = []) {
      for (let depth = scope.length; depth >= 0; depth--) {
        const fullName = [...scope.slice(0, depth), ...name.split('.')]
        const found = at(fullName)
        if (found?.fields !== undefined || found?.values !== undefined) return { ...found, fullName }
      }
      return undefined
    },
  }
}
