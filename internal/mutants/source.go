package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// folders hold the code that mutants change.
var folders = []string{"wrapper", "wrapper/internal/breaker", "wrapper/internal/clock", "wrapper/internal/text", "wrapper/internal/tokens", "wrapper/internal/wire"}

// site is where a mutant changes a file: the bytes from start to end.
type site struct {
	file       string // below the module's root
	source     []byte
	start, end int
}

// find finds the one place that a mutant changes in the module at root.
func (m mutant) find(root string) (site, error) {
	var sites []site
	found := false
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil {
			return site{}, err
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := os.ReadFile(name)
			if err != nil {
				return site{}, err
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
			if err != nil {
				return site{}, err
			}
			for _, decl := range file.Decls {
				body := m.body(file, decl)
				if body == nil {
					continue
				}
				found = true
				rel, err := filepath.Rel(root, name)
				if err != nil {
					return site{}, err
				}
				for _, node := range matches(fset, body, m.from) {
					sites = append(sites, site{file: rel, source: source, start: fset.Position(node.Pos()).Offset, end: fset.Position(node.End()).Offset})
				}
			}
		}
	}
	switch {
	case !found:
		return site{}, fmt.Errorf("there is no %s", m.in)
	case len(sites) != 1:
		return site{}, fmt.Errorf("%s holds %s %d times", m.in, m.from, len(sites))
	}
	return sites[0], nil
}

// body returns what the mutant changes of a declaration, if it is the one that it names.
func (m mutant) body(file *ast.File, decl ast.Decl) ast.Node {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if file.Name.Name+" "+receiver(d)+d.Name.Name == m.in {
			return d
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if value, ok := spec.(*ast.ValueSpec); ok && file.Name.Name+" "+value.Names[0].Name == m.in {
				return value
			}
		}
	}
	return nil
}

// receiver is "(*T)." or "T." for a method, without type parameters.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	name := func(e ast.Expr) string {
		if generic, ok := e.(*ast.IndexExpr); ok {
			e = generic.X
		}
		return e.(*ast.Ident).Name
	}
	if pointer, ok := d.Recv.List[0].Type.(*ast.StarExpr); ok {
		return "(*" + name(pointer.X) + ")."
	}
	return name(d.Recv.List[0].Type) + "."
}

// matches finds the nodes below root whose text is want, whatever their layout.
func matches(fset *token.FileSet, root ast.Node, want string) []ast.Node {
	var found []ast.Node
	ast.Inspect(root, func(n ast.Node) bool {
		switch n.(type) {
		case ast.Expr, ast.Stmt:
			var text bytes.Buffer
			if format.Node(&text, fset, n) == nil && squeezed(text.String()) == squeezed(want) {
				if len(found) == 0 || found[len(found)-1].Pos() != n.Pos() || found[len(found)-1].End() != n.End() {
					found = append(found, n)
				}
			}
		}
		return true
	})
	return found
}

func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }
