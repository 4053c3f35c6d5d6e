package emulate

import (
	"encoding/json"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// readScenario reads a file of settings and faults for an emulator of some operations, YAML or JSON: what the admin API takes
// at /settings.
func (o *options) readScenario(operations ...dingtalktest.Option) (dingtalktest.Option, error) {
	content, err := os.ReadFile(o.scenario)
	if err != nil {
		return nil, explain.Usage("--scenario: %v", err)
	}
	var tree any
	if err := yaml.Unmarshal(content, &tree); err != nil {
		return nil, explain.Usage("--scenario %s: %v", o.scenario, err)
	}
	if tree == nil { // an empty file
		tree = map[string]any{}
	}
	raw, err := json.Marshal(withTextKeys(tree))
	if err != nil {
		return nil, explain.Usage("--scenario %s: %v", o.scenario, err)
	}
	if err := dingtalktest.New(operations...).ConfigureJSON(raw); err != nil {
		return nil, explain.UsageHint("openconversation emulator --help shows one", "--scenario %s: %v", o.scenario, err)
	}
	return func(s *dingtalktest.Settings) { _ = json.Unmarshal(raw, s) }, nil
}

// withTextKeys makes texts of keys that YAML read as something else: a chat id may be a number.
func withTextKeys(tree any) any {
	switch tree := tree.(type) {
	case map[string]any:
		for key, value := range tree {
			tree[key] = withTextKeys(value)
		}
	case map[any]any:
		texts := map[string]any{}
		for key, value := range tree {
			texts[fmt.Sprint(key)] = withTextKeys(value)
		}
		return texts
	case []any:
		for i, value := range tree {
			tree[i] = withTextKeys(value)
		}
	}
	return tree
}
