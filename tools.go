//go:build tools

// The generator's version is pinned here, through go.mod, so that `go generate` needs nothing installed.
package openconversation

import _ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
