// Package overlay changes a contract by an OpenAPI Overlay 1.0 before it is read: a team gives things names for Go, say,
// without touching the contract that it shares. It is apart from package contract for the sake of those that have no overlay
// and should not compile its library.
package overlay

import (
	"github.com/speakeasy-api/openapi/overlay"
	"gopkg.in/yaml.v3"
)

// Change makes the changes of the overlay in a file. An action that changes nothing is an error: it would be a misspelling.
func Change(file string) func(content []byte) ([]byte, error) {
	return func(content []byte) ([]byte, error) {
		actions, err := overlay.Parse(file)
		if err != nil {
			return nil, err
		}
		if err := actions.Validate(); err != nil {
			return nil, err
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(content, &doc); err != nil {
			return nil, err
		}
		if _, err := actions.ApplyToStrict(&doc); err != nil {
			return nil, err
		}
		return yaml.Marshal(&doc)
	}
}
