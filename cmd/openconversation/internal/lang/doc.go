// Package lang translates messages for people. A message keeps its English format and arguments until it is printed, so
// one error can be English for machines and in the user's language for people: String and Error return English, Say any
// language. zh.yaml holds the Chinese texts by the English ones; a test of the command checks that it is complete.
package lang
