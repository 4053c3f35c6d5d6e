// Checks the reference page: `node docs/check.mjs CODES.json CONTRACT.json PAGE.html`.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const [catalogue, contract, page] = process.argv.slice(2)
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
assert(script.includes(',expanded:`always`,'), 'Redoc was changed: the groups of the sidebar are closed')
console.log(`docs-check: ${operations.length} operations, ${codes.length} codes, one script, nothing to fetch`)
