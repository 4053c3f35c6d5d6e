// Package contract reads an OpenAPI contract: what OpenAPI says, and what this project's extensions say of an operation.
// It refuses what the generator cannot carry, by name and line. What is carried is listed in carry.go.
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

// Loader loads the document in a file. Package overlay has one that changes it on the way.
type Loader func(file string) (*openapi3.T, error)

// Plain loads a document as it is.
func Plain(file string) (*openapi3.T, error) { return openapi3.NewLoader().LoadFromFile(file) }

// Load reads the contract in a file. References to other files are refused, and nothing is fetched.
func Load(file string, with Loader) (*Contract, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return load(file, with, content)
}

// Parse is Load for a contract in memory. name stands for the file in errors.
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
	// The libraries are given whatever somebody wrote: what they did not foresee must not look like a fault of ours.
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

// read takes everything from the document that is not Go's types.
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

// tokens finds out where the access token is sent: in one header, and by some operations in their query.
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

// tokenQuery is the query parameter that carries an operation's token; empty if the header may.
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
