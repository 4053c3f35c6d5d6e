package generator

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"sync"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	"gopkg.in/yaml.v3"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

// Version is oapi-codegen's version. A test compares it with go.mod.
const Version = "v2.8.2"

// ownPackage is the package generated from this repository's own contract.
const ownPackage = "generated"

//go:embed templates
var templateFiles embed.FS

// replaced lists oapi-codegen's templates that ours replace; templates/oapi-codegen.yaml says why. A test compares the digest
// of each replaced text.
var replaced = []string{"imports.tmpl", "additional-properties.tmpl"}

// configuration returns oapi-codegen's configuration for a package.
func configuration(pkg string) (cfg codegen.Configuration, err error) {
	text, err := templateFiles.ReadFile("templates/oapi-codegen.yaml")
	err = errors.Join(err, yaml.Unmarshal(text, &cfg))
	cfg.PackageName, cfg.Generate.ServerURLs, cfg.OutputOptions.UserTemplates = pkg, pkg == ownPackage, map[string]string{}
	for _, name := range replaced {
		text, failed := templateFiles.ReadFile("templates/" + name)
		cfg.OutputOptions.UserTemplates[name], err = string(text), errors.Join(err, failed)
	}
	return cfg, err
}

// oapiCodegen is held while oapi-codegen runs, and its rules for names are used: they are global.
var oapiCodegen sync.Mutex

// models generates the models, and names the operations by the same rules.
func models(c *contract.Contract, pkg string) (src string, all []method, err error) {
	cfg, err := configuration(pkg)
	if err != nil {
		return "", nil, err
	}
	oapiCodegen.Lock()
	defer oapiCodegen.Unlock()
	defer func() {
		if p := recover(); p != nil {
			src, err = "", fmt.Errorf("oapi-codegen failed: %v", p)
		}
	}()
	src, err = codegen.Generate(c.Doc, cfg)
	if err = cmp.Or(c.Collisions(codegen.SchemaNameToTypeName), err); err != nil {
		return "", nil, err
	}
	return src, methods(c, pkg == ownPackage), nil
}
