// Package admin controls a running emulator over HTTP, for tests in other processes and other languages: what it saw,
// what it is to do next, and what it is set up for. openapi.yaml describes it.
//
// Everything is one of the methods of [dingtalktest.Emulator]: a program that has the emulator in its own process needs
// none of this.
package admin
