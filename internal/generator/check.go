package generator

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

// check finds code that would not compile, such as two schemas with one Go name. It needs neither the sources of imported
// packages nor the go command.
func check(c *contract.Contract, files map[string][]byte) error {
	fset := token.NewFileSet()
	var parsed []*ast.File
	for name, src := range files {
		file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
		if err != nil {
			return c.Locate(fmt.Errorf("the contract makes Go that does not parse: %w", err))
		}
		parsed = append(parsed, file)
	}
	var found error
	cfg := types.Config{
		Importer: nothing{},
		Error: func(err error) {
			problem := types.Error{}
			if found == nil && errors.As(err, &problem) && !isImport(problem) {
				found = errors.New(problem.Msg)
			}
		},
	}
	_, _ = cfg.Check("generated", fset, parsed, nil)
	if found != nil {
		return c.Locate(fmt.Errorf("the contract makes Go that does not compile (x-go-name gives a name of your own): %w", found))
	}
	return nil
}

var errNotImported = errors.New("not imported")

// nothing imports nothing: the checker accepts all names of other packages.
type nothing struct{}

func (nothing) Import(string) (*types.Package, error) { return nil, errNotImported }

func isImport(err types.Error) bool {
	return len(err.Msg) >= len("could not import") && err.Msg[:len("could not import")] == "could not import"
}
