// Checks the reference page: `node docs/check.mjs CODES.json CONTRACT.json PAGE.html [CHROMIUM]`. Without a browser it reads the page;
// with one it also opens it, and fails on whatever the page's policy had to refuse.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const [catalogue, contract, page, browser] = process.argv.slice(2)
const codes = JSON.parse(readFileSync(catalogue, 'utf8')).map((row) => row.code)
assert(codes.length > 0, 'the catalogue is empty')

const text = readFileSync(page, 'utf8')
const scripts = [...text.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)]
assert.equal(scripts.length, 1, 'one script was expected')
const [whole, attributes, script] = scripts[0]
assert.equal(attributes, ' type="module"', 'the script is in the page')
const markup = text.replace(whole, () => '')
assert.doesNotMatch(markup, /<[^>]*\b(src|href|srcset|action|data)\s*=|url\(|@import/i, 'the markup names something to fetch')
const hash = createHash('sha256').update(script).digest('base64')
const policy = markup.match(/<meta http-equiv="Content-Security-Policy" content="([^"]*)">/)?.[1] ?? ''
const allowed = Object.fromEntries(policy.split(/;\s*/).map((part) => [part.split(' ')[0], part.split(' ').slice(1).join(' ')]))
assert.deepEqual(allowed, {
  'default-src': "'none'", 'script-src': `'sha256-${hash}'`, 'style-src': "'unsafe-inline'",
  'img-src': 'data:', 'font-src': 'data:', 'base-uri': "'none'", 'form-action': "'none'",
})
assert(!/(cdn|otel)[.a-z]*\.redoc/.test(script), 'the script names hosts of its makers')
const shown = codes.filter((code) => script.replaceAll('\\u003cwbr>', '').includes(`\\u003ccode>${code}\\u003c/code>`))
assert.deepEqual(shown, codes, 'codes are missing')
const spec = JSON.parse(readFileSync(contract, 'utf8'))
const sections = spec.tags.filter((tag) => tag['x-traitTag'])
assert(sections.length > 0, 'the contract has no section of text')
const paragraphs = sections.flatMap((tag) => tag.description.split(/\n\n|^#+ .*$/m).map((part) => part.trim()).filter(Boolean))
const inScript = (part) => script.includes(JSON.stringify(part).slice(1, -1).replaceAll('<', '\\u003c'))
assert.deepEqual(paragraphs.filter((part) => !inScript(part)), [], 'parts of the text are missing')
const operations = Object.values(spec.paths).flatMap((item) => Object.values(item)).map((o) => o.operationId).filter(Boolean)
assert(operations.length > 0, 'the contract has no operation')
assert.deepEqual(operations.filter((id) => script.includes(`\\u003ccode>${id}\\u003c/code>`)), operations, 'operations are missing')
console.log(`docs-check: ${operations.length} operations, ${codes.length} codes, one script, nothing to fetch`)

// The page draws what is in sight of an address in it.
const draw = async (scheme, address) => {
  const profile = mkdtempSync(join(tmpdir(), 'docs-check-'))
  try {
    const { stdout, stderr } = await promisify(execFile)(browser, [
      '--headless=new', '--no-sandbox', '--disable-gpu', '--window-size=1280,3000', `--user-data-dir=${profile}`, '--virtual-time-budget=10000',
      '--enable-logging=stderr', `--blink-settings=preferredColorScheme=${scheme === 'dark' ? 0 : 1}`,
      '--dump-dom', `${pathToFileURL(resolve(page))}#/${address}`,
    ], { maxBuffer: 64 << 20, timeout: 120_000 })
    const complaints = stderr.split('\n').filter((line) => /CONSOLE.*(Content Security Policy|Uncaught|Refused)/.test(line))
    assert.deepEqual(complaints, [], `${scheme}: the browser complained`)
    const drawn = stdout.replace(/<script[\s\S]*?<\/script>/g, '').replaceAll('<wbr>', '')
    assert.match(drawn.match(/<html[^>]*>/)[0], new RegExp(`class="[^"]*\\b${scheme}\\b`), `${scheme}: drawn in other colours`)
    return drawn
  } finally {
    rmSync(profile, { recursive: true, force: true })
  }
}
for (const scheme of browser ? ['light', 'dark'] : []) {
  const drawn = (await draw(scheme, '')) + (await draw(scheme, 'error-codes'))
  assert.deepEqual(codes.filter((code) => !drawn.includes(`>${code}</code>`)), [], `${scheme}: codes are not drawn`)
  const addresses = operations.map((id) => `href="#/operation/${id.toLowerCase()}"`)
  assert.deepEqual(addresses.filter((address) => !drawn.includes(address)), [], `${scheme}: operations are not linked`)
  const headings = sections.flatMap((tag) => [...tag.description.matchAll(/^#+ (.*)$/gm)].map((found) => found[1]))
  assert.deepEqual(headings.filter((heading) => !drawn.includes(heading)), [], `${scheme}: headings are not drawn`)
  console.log(`docs-check: drawn in ${scheme} colours, and nothing was asked for`)
}
if (!browser) console.log('docs-check: no chromium here, so that nothing was drawn')
