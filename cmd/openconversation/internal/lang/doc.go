// Package lang says things to people in their language. A message is a value that keeps its English format and its
// arguments until it is printed, so that one error can be in English for machines and in the user's language for people:
// String and Error give English, Say any language. Chinese lies in the catalogue of package zh, whose keys are the
// English formats; a test of the command holds it to be complete.
package lang
