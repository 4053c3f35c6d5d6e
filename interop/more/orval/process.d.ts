// All of Node.js that the program uses, in place of the package of its types.
declare const process: { argv: string[] };
