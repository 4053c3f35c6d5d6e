//go:build official

package specs

import _ "embed"

// A release is built with the tag official, after `.ci/run official-routes`: nothing of the official SDK is in the repository.
//
//go:embed official-routes.json.bz2
var carried []byte

func init() { embedded = carried }
