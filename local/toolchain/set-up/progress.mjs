const REDRAW_MS = 200

/** Shows which steps run and how long they took: one moving line at a terminal, plain lines in a pipe. */
export class Progress {
  #output = process.stderr
  #running = new Map()
  #timer

  start(name) {
    this.#running.set(name, Date.now())
    if (!this.#output.isTTY) this.#output.write(`  ${name} ...\n`)
    else this.#timer ??= setInterval(() => this.#draw(), REDRAW_MS)
  }

  done(name) {
    this.#end(name, 'done')
  }

  failed(name) {
    this.#end(name, 'FAILED')
  }

  say(line) {
    this.#clear()
    this.#output.write(`${line}\n`)
  }

  #end(name, outcome) {
    const started = this.#running.get(name) ?? Date.now()
    this.#running.delete(name)
    if (this.#running.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    this.say(`  ${name}: ${outcome} (${seconds(started)})`)
  }

  #draw() {
    const parts = [...this.#running].map(([name, started]) => `${name} ${seconds(started, 0)}`)
    this.#clear()
    this.#output.write(`  ${parts.join(', ')}`)
  }

  #clear() {
    if (this.#output.isTTY) this.#output.write('\r\x1b[K')
  }
}

/** The time since `started`, for people. */
export function seconds(started, digits = 1) {
  return `${((Date.now() - started) / 1000).toFixed(digits)} s`
}
