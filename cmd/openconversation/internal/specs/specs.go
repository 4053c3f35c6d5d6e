// Package specs reads a contract's operations in the form written by openconversation-gen --routes: this command needs
// no library for OpenAPI.
package specs

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/generated"
)

const hint lang.Format = "make the file of an OpenAPI contract: openconversation-gen --spec my.yaml --routes my.json"

// Read reads the operations in a file.
func Read(file string) ([]generated.Route, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, explain.Usage("--spec: %w", err)
	}
	return decode(lang.T("--spec %s", file), content)
}

// decode reads a list of operations, which came from a place.
func decode(place lang.Text, content []byte) ([]generated.Route, error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	var all []generated.Route
	if err := decoder.Decode(&all); err != nil {
		return nil, explain.UsageHint(hint, "%s: it is not a list of operations", place)
	}
	for i, r := range all {
		if err := check(r); err != nil {
			return nil, explain.UsageHint(hint, "%s: operation %d: %w", place, i+1, err)
		}
	}
	return all, nil
}

func check(r generated.Route) error {
	o := r.Operation
	switch {
	case o == nil || o.ID == "" || strings.HasPrefix(o.ID, "-") || strings.Contains(o.ID, " "):
		return lang.Errorf("it has no name")
	case !strings.HasPrefix(o.Path, "/") || o.Method == "":
		return lang.Errorf("%s has no method or path", o.ID)
	case r.Example != "" && !json.Valid([]byte(r.Example)):
		return lang.Errorf("the example of %s is not JSON", o.ID)
	}
	return nil
}
