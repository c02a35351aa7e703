/**
 * An e-mail address in lower case. Unicode's lower case would make an ordinary k of the Kelvin sign, and so one address
 * of two.
 */
export function lowerCase(email: string): string {
  return email.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
