// Package overlay changes a contract by an OpenAPI Overlay 1.0 before it is read: a team gives things names for Go, say,
// without touching the contract that it shares. It is apart from package contract for the sake of those that have no overlay
// and should not compile its library.
package overlay

import (
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/util"
)

// Loader loads documents with the changes of the overlay in a file. An action that changes nothing is an error: it would be
// a misspelling.
func Loader(overlay string) func(file string) (*openapi3.T, error) {
	return func(file string) (*openapi3.T, error) {
		return util.LoadSwaggerWithOverlay(file, util.LoadSwaggerWithOverlayOpts{Path: overlay, Strict: true, AllowRemoteRefsFrom: []string{}})
	}
}
