// All of Node.js that the programs use, in place of the package of its types.
declare const process: { argv: string[]; stdin: unknown };
declare module "node:fs" {
  export function readFileSync(path: string, encoding: string): string;
}
declare module "node:readline" {
  export function createInterface(options: { input: unknown }): AsyncIterable<string>;
}
