// Package generated is the contract as Go: client and models by oapi-codegen, the catalogue of error codes by
// internal/generator. It is made by `go generate` from openapi.yaml and holds no decisions; those are in the wrapper.
package generated
