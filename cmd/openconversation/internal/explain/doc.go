// Package explain describes errors for people and scripts: a text of one line, a hint, a name in JSON and the exit
// code. Sentences are whole format strings, because a catalogue translates them.
package explain
