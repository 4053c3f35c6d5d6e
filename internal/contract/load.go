// Package contract reads an OpenAPI contract with this project's extensions. It refuses unsupported parts by name and
// line; carry.go lists the supported ones.
package contract

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Loader loads a document from a file. Package overlay has one that applies an overlay.
type Loader func(file string) (*openapi3.T, error)

// Plain loads a document unchanged.
func Plain(file string) (*openapi3.T, error) { return openapi3.NewLoader().LoadFromFile(file) }

// Load reads a contract from a file. It refuses references to other files, and fetches nothing.
func Load(file string, with Loader) (*Contract, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return load(file, with, content)
}

// Parse is Load for a contract in memory. name is the file's name in errors.
func Parse(name string, content []byte) (*Contract, error) {
	folder, err := os.MkdirTemp("", "contract")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	file := filepath.Join(folder, "contract.yaml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return nil, err
	}
	c, err := load(file, Plain, content)
	if own := (*Error)(nil); errors.As(err, &own) {
		own.File = name
		own.What = strings.ReplaceAll(own.What, file, name)
	}
	if c != nil {
		c.lines.file = name
	}
	return c, err
}

func load(file string, with Loader, content []byte) (c *Contract, err error) {
	// The contract may be anything: a panic of a library must not look like our fault.
	defer func() {
		if p := recover(); p != nil {
			c, err = nil, &Error{File: file, Line: 1, What: fmt.Sprintf("the contract's reader failed: %v", p)}
		}
	}()
	lines, err := newLines(file, content)
	if err != nil {
		return nil, err
	}
	c = &Contract{lines: lines}
	if err := checkNodes(lines); err != nil {
		return nil, err
	}
	if c.Doc, err = with(file); err != nil {
		return nil, c.Locate(err)
	}
	if err := c.carries(); err != nil {
		return nil, err
	}
	if err := c.Doc.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, c.Locate(err)
	}
	if err := c.read(); err != nil {
		return nil, err
	}
	if err := c.name(); err != nil {
		return nil, err
	}
	return c, nil
}

// read reads everything of the document but the types.
func (c *Contract) read() (err error) {
	if c.Codes, err = c.catalogue(); err != nil {
		return err
	}
	if c.Limits, err = c.limits(); err != nil {
		return err
	}
	if err := c.tokens(); err != nil {
		return err
	}
	if c.Operations, err = c.operations(); err != nil {
		return err
	}
	c.RequestIDHeader = c.requestIDHeader()
	return nil
}

// tokens finds the place of the access token: one header, or an operation's query.
func (c *Contract) tokens() error {
	if c.Doc.Components == nil {
		return nil
	}
	c.queryTokens = map[string]string{}
	for _, name := range sortedKeys(c.Doc.Components.SecuritySchemes) {
		at := []string{"components", "securitySchemes", name}
		switch v := c.Doc.Components.SecuritySchemes[name].Value; {
		case v == nil || v.Type != "apiKey" || v.Name == "" || v.In != openapi3.ParameterInHeader && v.In != openapi3.ParameterInQuery:
			return c.lines.errorf(at, "it is no apiKey in a header or a query: the access token is sent no other way")
		case v.In == openapi3.ParameterInQuery:
			c.queryTokens[name] = v.Name
		case c.TokenHeader != "" && c.TokenHeader != v.Name:
			return c.lines.errorf(at, "the access token has one header, and that is %s", c.TokenHeader)
		default:
			c.TokenHeader = v.Name
		}
	}
	return nil
}

// tokenQuery returns the query parameter of an operation's token, or "" for the header.
func (c *Contract) tokenQuery(security openapi3.SecurityRequirements) (parameter string) {
	for _, requirement := range security {
		for scheme := range requirement {
			if c.queryTokens[scheme] == "" {
				return ""
			}
			parameter = c.queryTokens[scheme]
		}
	}
	return parameter
}

func (c *Contract) requestIDHeader() string {
	for _, item := range c.Doc.Paths.Map() {
		for _, op := range item.Operations() {
			for _, response := range op.Responses.Map() {
				for name, header := range response.Value.Headers {
					if header.Ref == "#/components/headers/RequestId" {
						return name
					}
				}
			}
		}
	}
	return ""
}
