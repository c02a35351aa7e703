/** What a stand-in's control endpoint offers to tests; see the stand-ins' own documentation for the bodies. */
export class Control {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async addFault(fault: object): Promise<void> {
    await this.post('/faults', fault)
  }

  async clear(): Promise<void> {
    await fetch(`${this.#url}/faults`, { method: 'DELETE' })
    await fetch(`${this.#url}/calls`, { method: 'DELETE' })
  }

  /** Counts by call name since the last clear. */
  async calls(): Promise<Record<string, number>> {
    const response = await fetch(`${this.#url}/calls`)
    const counts: unknown = await response.json()
    return counts as Record<string, number>
  }

  async post(path: string, body: object): Promise<Record<string, string>> {
    const response = await fetch(`${this.#url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`)
    const text = await response.text()
    const answer: unknown = text === '' ? {} : JSON.parse(text)
    return answer as Record<string, string>
  }

  async put(path: string, body: object): Promise<void> {
    const response = await fetch(`${this.#url}${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`PUT ${path} answered ${response.status}: ${await response.text()}`)
  }

  async get<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.#url}${path}`)).json()) as T
  }

  async delete(path: string): Promise<void> {
    await fetch(`${this.#url}${path}`, { method: 'DELETE' })
  }
}
