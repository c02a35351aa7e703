import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'
import { startOptions } from '../../src/gateway/runs/start-options.ts'
import { STEPS } from '../../workflows/contract.ts'
import { detailsOf } from '../../workflows/details.ts'
import { cell, code, codeBlock } from '../../workflows/markdown.ts'
import { markdownOf } from '../../workflows/slot-book.ts'
import { calling } from '../../workflows/summaries.ts'
import { scaled } from '../support/scale.ts'

const { runs } = scaled({ runs: 100 }, { runs: 1_000 })

/** What Markdown of GitHub's kind, which the Web UI renders, makes of a text. */
interface Node {
  readonly type: string
  readonly url?: string
  readonly value?: string
  readonly children?: readonly Node[]
}

function nodesOf(markdown: string): Node[] {
  const flat = (node: Node): Node[] => [node, ...(node.children ?? []).flatMap(flat)]
  return flat(fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }))
}

const typesOf = (markdown: string) => nodesOf(markdown).map(({ type }) => type)

const MARKS = [
  ...[
    '\\',
    '[',
    ']',
    '(',
    ')',
    '<',
    '>',
    '&',
    '`',
    '``',
    '```',
    '~~~',
    '|',
    '\\|',
    '*',
    '_',
    '~',
    '!',
    '#',
    ':',
  ],
  ...['\n', '\r', '\r\n', '\n\n', '\t', ' ', '\u2028', '\u0085', '\u202e', '\0', '\ud800', 'ß', '🚕', 'x'],
  ...[
    '[click](https://evil.example)',
    '\\[click\\](https://evil.example)',
    '![i](https://evil.example/i.png)',
  ],
  ...[
    'www.evil.example',
    'https://evil.example',
    'ftp://evil.example',
    'mailto:a@evil.example',
    'a@evil.example',
  ],
  ...['<img src=x onerror=alert(1)>', '<script>', '<!--', '<https://evil.example>', '&lt;b&gt;', '&#60;b>'],
  ...[
    '# title',
    '- item',
    '1. item',
    '> quote',
    '---',
    '===',
    '| a | b |\n| - | - |',
    '    code',
    '[^1]',
    '[^1]: x',
  ],
  ...['[evil]: https://evil.example', '[evil]', '- [ ] task', '$x$', '@user', '#1'],
]
const hostile = fc
  .array(fc.oneof({ arbitrary: fc.constantFrom(...MARKS), weight: 5 }, fc.string({ unit: 'binary' })), {
    minLength: 1,
    maxLength: 12,
  })
  .map((parts) => parts.join(''))

const OURS = /^https:\/\/console\.cloud\.google\.com\/[^\s()<>]*$/

function expectNothingOfTheirs(markdown: string): void {
  for (const { type, url } of nodesOf(markdown)) {
    if (type === 'link') expect(url).toMatch(OURS)
    expect(type).not.toMatch(
      /^(html|image|heading|.*[rR]eference|.*[dD]efinition|blockquote|thematicBreak|delete|emphasis|break)$/,
    )
  }
}

const check = (property: (text: string) => void) =>
  fc.assert(
    fc.property(hostile, (text) => property(text)),
    { numRuns: runs },
  )

describe('finding 11: a text of others becomes code, and nothing else', () => {
  test('finding 11: within a line', () => {
    check((text) => {
      const markdown = code(text)
      const types = markdown === '' ? ['root'] : ['root', 'paragraph', 'inlineCode']
      expect(typesOf(markdown)).toEqual(types)
    })
  })

  test('finding 11: cut, and still code', () => {
    check((text) => {
      const markdown = code(text, 20)
      expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(20)
      expect(typesOf(markdown).slice(2)).toEqual(markdown === '' ? [] : ['inlineCode'])
    })
  })

  test('finding 11: in a cell of a table, which keeps its shape', () => {
    check((text) => {
      const markdown = `| a | b |\n| --- | --- |\n| ${cell(text)} | x |\n| ${cell(text)} | y |`
      const types = typesOf(markdown)
      expect(types.filter((type) => type === 'tableCell')).toHaveLength(6)
      expect(types.filter((type) => type === 'tableRow')).toHaveLength(3)
      expect(types.slice(0, 2)).toEqual(['root', 'table'])
      expectNothingOfTheirs(markdown)
    })
  })

  test('finding 11: as a block, which nothing in it ends', () => {
    check((text) => {
      expect(typesOf(`before\n\n${codeBlock(text, 200)}\n\nafter`)).toEqual([
        ...['root', 'paragraph', 'text'],
        'code',
        ...['paragraph', 'text'],
      ])
    })
  })

  test('finding 11: an ordinary text is shown as it is', () => {
    const [, , shown] = nodesOf(code('gs://b/a [1] (x)_y_/raw-<2019>/'))
    expect(shown?.value).toBe('gs://b/a [1] (x)_y_/raw-<2019>/')
  })
})

describe('finding 11: nothing of theirs gets out', () => {
  test('finding 11: of the page of a run', () => {
    check((text) => {
      const cloud = { project: 'some-project', region: 'us-central1', bigqueryLocation: 'US' }
      const markdown = detailsOf(
        {
          attempt: 2,
          steps: STEPS.map((name) => ({ name, state: 'done' as const, detail: text })),
          clusterName: text,
          sparkJobId: text,
          loadJobId: text,
          notCleaned: [text, text],
        },
        {
          cloud,
          ...{ rawPath: text, outputTable: text, rejectedPath: text, driverOutput: text },
          ...{ processedPath: text, receiptUri: text },
          failure: { type: 'Internal', message: text, step: 'loadTable', rawFilesAt: text },
        },
      )
      expectNothingOfTheirs(markdown)
      const types = typesOf(markdown)
      expect(types.filter((type) => type === 'tableRow')).toHaveLength(STEPS.length + 1)
      expect(types.filter((type) => type === 'tableCell')).toHaveLength(5 * (STEPS.length + 1))
      expect(types.filter((type) => type === 'table')).toHaveLength(1)
      expect(types.filter((type) => type === 'code')).toHaveLength(1)
    })
  })

  test('finding 11: of the page of the slots', () => {
    check((text) => {
      const holder = { workflowId: text, clusterName: text }
      const book = { limit: 2, holders: [holder, holder], waiting: [{ ...holder, since: '2019-03-01' }] }
      const markdown = markdownOf(book, text)
      expectNothingOfTheirs(markdown)
      expect(typesOf(markdown).filter((type) => type === 'tableCell')).toHaveLength(16)
    })
  })

  test('finding 11: of the line beside an activity', () => {
    const summaries: string[] = []
    const activity = {
      async executeWithOptions({ summary }: { readonly summary: string }) {
        summaries.push(summary)
      },
    }
    check((text) => {
      void calling(`Claim ${text}`, activity)
      expect(typesOf(summaries.at(-1) ?? '')).toEqual(['root', 'paragraph', 'inlineCode'])
      expect(Buffer.byteLength(summaries.at(-1) ?? '')).toBeLessThanOrEqual(200)
    })
  })

  test('finding 11: of what the gateway says of a run, whose texts may be long', () => {
    const deployment = { deployment: 'test', taskQueue: 'test', secret: 'secret' }
    fc.assert(
      fc.property(hostile, fc.constantFrom(1, 300), (text, times) => {
        const long = text.repeat(times).slice(0, 1024)
        const { staticDetails, staticSummary } = startOptions(
          {
            runId: text,
            startedBy: 'caller@example.com',
            retriedBy: 'www.evil.example',
            input: { rawPath: `${long}/`, transformedPath: long, failedPath: long, outputTable: long },
            note: long,
          },
          deployment,
        )
        expectNothingOfTheirs(staticDetails)
        expect(Buffer.byteLength(staticDetails)).toBeLessThan(20_000)
        expect(typesOf(staticDetails).filter((type) => type === 'listItem')).toHaveLength(8)
        expect(typesOf(staticSummary)).toEqual(['root', 'paragraph', 'inlineCode'])
        expect(Buffer.byteLength(staticSummary)).toBeLessThanOrEqual(200)
      }),
      { numRuns: runs },
    )
  })
})
