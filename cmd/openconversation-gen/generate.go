package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/speakeasy-api/openapi/overlay"
	"gopkg.in/yaml.v3"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/generator"
)

// options are the flags. packages are of DingTalk's official SDK, and contracts are what is made of them.
type options struct {
	spec, overlay, packages, operations, sdk, name, output, routes string
	list, contracts                                                bool
}

// generate makes what is asked for of a contract.
func (o *options) generate() error {
	content, err := os.ReadFile(o.spec)
	if err != nil {
		return err
	}
	var changed [][]byte
	if o.overlay != "" {
		text, err := overlaid(o.overlay, content)
		if err != nil {
			return err
		}
		changed = append(changed, text)
	}
	c, err := contract.Parse(o.spec, content, changed...)
	if err == nil && o.routes != "" {
		var raw []byte
		if raw, err = json.MarshalIndent(c.Routes(), "", "  "); err == nil {
			err = os.WriteFile(o.routes, append(raw, '\n'), 0o644)
		}
	}
	if err != nil || o.name == "" {
		return err
	}
	return writePackage(c, o.spec, o.name, o.output)
}

// overlaid applies an OpenAPI Overlay 1.0. An action that changes nothing is an error: it would be a misspelling.
func overlaid(file string, content []byte) ([]byte, error) {
	actions, err := overlay.Parse(file)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := errors.Join(actions.Validate(), yaml.Unmarshal(content, &doc)); err != nil {
		return nil, err
	}
	if _, err := actions.ApplyToStrict(&doc); err != nil {
		return nil, err
	}
	return yaml.Marshal(&doc)
}

// writePackage generates a package into a folder.
func writePackage(c *contract.Contract, source, name, folder string) error {
	src, err := generator.Foreign(c, filepath.Base(source), name)
	if err != nil {
		return err
	}
	return generator.Write(folder, name, map[string][]byte{name + ".gen.go": src})
}
