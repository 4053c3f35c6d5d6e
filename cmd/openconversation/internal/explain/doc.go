// Package explain says what an error means to a person and to a script: its text in one line, what to do about it, its
// name in JSON and the exit code. Sentences are whole format strings, so that they can be said in another language.
package explain
