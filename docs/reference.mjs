// Writes the reference page: `node docs/reference.mjs CONTRACT.json CODES.json REDOC.js PAGE.html`. All that the page
// shows is in the one file, and its policy lets a browser fetch nothing.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

const [contract, catalogue, redoc, page] = process.argv.slice(2)
const read = (file) => readFileSync(file, 'utf8')
const html = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)

// Redoc shows no extensions as tables, so the catalogue becomes the text of a section of its own.
const columns = {
  Code: (row) => `<code>${html(row.code).replaceAll('.', '.<wbr>')}</code>`, // which long ones break after
  HTTP: (row) => row.status,
  Kind: (row) => `<b class="${html(row.kind)}">${html(row.kind)}</b>`,
  Retry: (row) => (row.retry ? (row.waitSeconds ? `after ${row.waitSeconds} s` : 'with backoff') : 'no'),
  Token: (row) => html(row.token),
  Operation: (row) => (row.operations ?? ['any']).map((id) => html(id)).join(', '),
  Description: (row) => html(row.description),
}
const tableOf = (columns, rows) => {
  const cells = (row) => Object.entries(columns).map(([name, show]) => `<td data-name="${name}">${show(row)}</td>`).join('')
  return `<div class="codes"><table><thead><tr>${Object.keys(columns).map((name) => `<th>${name}</th>`).join('')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('\n')}</tbody></table></div>`
}
const table = tableOf(columns, JSON.parse(read(catalogue)))

const spec = JSON.parse(read(contract))
const methods = ['get', 'post', 'put', 'patch', 'delete']
const operations = Object.entries(spec.paths).flatMap(([path, item]) =>
  methods.filter((method) => item[method]).map((method) => ({ path, method, ...item[method] })))
const operationTable = tableOf({
  Operation: (o) => `<a href="#/${html(o.tags[0])}/${html(o.operationId.toLowerCase())}"><code>${html(o.operationId)}</code></a>`,
  Request: (o) => `${o.method.toUpperCase()} ${html(o.path).replaceAll('/', '<wbr>/')}`,
  Repeat: (o) => html(o['x-repeat'] ?? (o.method === 'get' ? 'safe' : 'unsent')),
  App: (o) => html(o['x-app-type'] ?? ''),
  Permission: (o) => html(o['x-permission'] ?? ''),
  Pages: (o) => (o['x-paging'] ? `<code>${html(o['x-paging'].items)}</code>` : ''),
}, operations)
// A tag that is a section of text is written in the contract; the others group operations, under the words that describe them.
// Redoc folds what comes after a heading, so that a reader of the page would not see it.
const groups = spec.tags.filter((tag) => !tag['x-traitTag']).map((tag) => ({ name: tag.name, 'x-displayName': tag.description.replace(/\.$/, '') }))
const written = spec.tags.filter((tag) => tag['x-traitTag']).map((tag) =>
  ({ ...tag, name: tag.name[0].toUpperCase() + tag.name.slice(1), description: tag.description.replace(/^#+ (.*)$/gm, '<p class="heading">$1</p>\n') }))
spec.tags = [...written, { name: 'Operations', 'x-traitTag': true, description: `Made from the operations' \`x-repeat\`, \`x-app-type\`, \`x-permission\` and \`x-paging\`.\n\n${operationTable}` },
  { name: 'Error codes', 'x-traitTag': true, description: `Made from \`x-error-codes\`. A row of one operation goes before a row of any.\n\n${table}` }, ...groups]

// Redoc knows hosts of its makers, for its logo, icons and telemetry. \x3c is < in a script's strings and expressions,
// where markup could end the script.
const bundle = read(redoc).replace(/https:\/\/(cdn|otel)[.a-z]*\.redoc[^`'"]*/g, 'data:,')
  .replace(/type:`group`(?=,label:\w,link:\w,routeSlug:\w,items:\w,)/, '$&,expanded:`always`') // the operations of a tag are there to read
  .replace(/<(?=!--|\/?script)/gi, '\\x3c')
const options = { disableTelemetry: true, hideLoading: true, jsonSamplesExpandLevel: 3, layout: 'stacked' }
const data = [spec, options].map((value) => JSON.stringify(value).replaceAll('<', '\\u003c'))
const script = `${bundle}\ninit(${data}, document.getElementById('redoc'));`
const hash = createHash('sha256').update(script).digest('base64')
const policy = `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'`

writeFileSync(page, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${html(spec.info.title)}</title>
<style>
${read(new URL('reference.css', import.meta.url))}</style>
</head>
<body>
<div id="redoc"></div>
<script type="module">${script}</script>
</body>
</html>
`)
