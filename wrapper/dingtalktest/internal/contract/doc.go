// Package contract holds the tests that check the emulator's answers against openapi.yaml. They are in a package of
// their own because an app that imports dingtalktest would otherwise have the contract's validator in its go.sum.
package contract
