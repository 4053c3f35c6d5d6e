// Writes the contract as OpenAPI 3.1: `node docs/openapi31.mjs CONTRACT.json TARGET.json`. A schema of 3.1 is one of JSON Schema, which has
// no nullable, lists its examples, and gives exclusive bounds as numbers. Nothing else differs in what the contract uses.
import { readFileSync, writeFileSync } from 'node:fs'

const [source, target] = process.argv.slice(2)
const spec = JSON.parse(readFileSync(source, 'utf8'))
if (!/^3\.0\./.test(spec.openapi)) throw new Error(`${source} is OpenAPI ${spec.openapi}, not 3.0`)

const schemaOf = ({ nullable, example, exclusiveMinimum, exclusiveMaximum, ...rest }) => {
  const schema = { ...rest }
  if (nullable) {
    if (typeof schema.type !== 'string') throw new Error('a schema that may be null has no type of its own')
    schema.type = [schema.type, 'null']
    if (schema.enum && !schema.enum.includes(null)) schema.enum = [...schema.enum, null]
  }
  if (example !== undefined) schema.examples = [example]
  if (exclusiveMinimum) { schema.exclusiveMinimum = schema.minimum; delete schema.minimum }
  if (exclusiveMaximum) { schema.exclusiveMaximum = schema.maximum; delete schema.maximum }
  for (const one of ['items', 'additionalProperties', 'not']) if (schema[one] instanceof Object) schema[one] = schemaOf(schema[one])
  for (const list of ['allOf', 'anyOf', 'oneOf']) if (schema[list]) schema[list] = schema[list].map(schemaOf)
  if (schema.properties) schema.properties = Object.fromEntries(Object.entries(schema.properties).map(([name, one]) => [name, schemaOf(one)]))
  return schema
}
// Everything that is called schema holds one, and so do the components' schemas; an example may hold anything.
const walk = (node, within) => {
  if (Array.isArray(node)) return node.map((one) => walk(one))
  if (!(node instanceof Object)) return node
  return Object.fromEntries(Object.entries(node).map(([name, value]) => {
    if (name === 'example' || name === 'examples' || name.startsWith('x-')) return [name, value]
    if (name === 'schema') return [name, schemaOf(value)]
    if (within === 'components' && name === 'schemas') return [name, Object.fromEntries(Object.entries(value).map(([key, one]) => [key, schemaOf(one)]))]
    return [name, walk(value, name)]
  }))
}
writeFileSync(target, `${JSON.stringify({ ...walk(spec), openapi: '3.1.1' }, null, 2)}\n`)
