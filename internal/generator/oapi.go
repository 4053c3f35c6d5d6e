package generator

import (
	"embed"
	"fmt"
	"sync"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

// Version is oapi-codegen's version. A test compares it with go.mod.
const Version = "v2.8.2"

// ownPackage is the package generated from this repository's own contract.
const ownPackage = "generated"

//go:embed templates
var templateFiles embed.FS

// replaced lists oapi-codegen's templates that ours replace, and why:
//
//   - imports.tmpl: what a file imports is found when all of it is there, and once.
//   - additional-properties.tmpl: it rounds whole numbers above 53 bits in fields that the contract does not name.
//
// A test compares the digest of each replaced text.
var replaced = []string{"imports.tmpl", "additional-properties.tmpl"}

// words spell fields in Go that the service writes without capitals.
var words = []string{
	"AccessDeniedDetail", "AgentID", "AppID", "ChatID", "CorpID", "DeptID", "IDs", "MediaID", "OpenID", "OrgID", "RequestID",
	"RobotCode", "TaskID", "UnionID", "UserID",
}

// goTypes maps OpenAPI's types to Go's. Formats of text stay strings: the service's dates are not always dates, and one
// field must not cost the answer. Integers and fractions have 64 bits.
func goTypes() *codegen.TypeMapping {
	text := codegen.SimpleTypeSpec{Type: "string"}
	return &codegen.TypeMapping{
		Integer: codegen.FormatMapping{Default: codegen.SimpleTypeSpec{Type: "int64"}, Formats: map[string]codegen.SimpleTypeSpec{
			"int": {Type: "int64"}, "int8": {Type: "int64"}, "int16": {Type: "int64"},
			"uint": {Type: "uint64"}, "uint8": {Type: "int64"}, "uint16": {Type: "int64"}, "uint32": {Type: "int64"},
		}},
		Number: codegen.FormatMapping{Default: codegen.SimpleTypeSpec{Type: "float64"}},
		String: codegen.FormatMapping{Default: text, Formats: map[string]codegen.SimpleTypeSpec{
			"email": text, "date": text, "date-time": text, "duration": text, "json": text, "uuid": text, "binary": text,
		}},
	}
}

// configuration returns oapi-codegen's configuration for a package.
func configuration(pkg string) (codegen.Configuration, error) {
	templates := map[string]string{}
	for _, name := range replaced {
		text, err := templateFiles.ReadFile("templates/" + name)
		if err != nil {
			return codegen.Configuration{}, err
		}
		templates[name] = string(text)
	}
	return codegen.Configuration{
		PackageName:   pkg,
		Generate:      codegen.GenerateOptions{Models: true, ServerURLs: pkg == ownPackage},
		Compatibility: codegen.CompatibilityOptions{AlwaysPrefixEnumValues: true},
		OutputOptions: codegen.OutputOptions{
			SkipPrune: true, SkipEnumValidate: true, SkipFmt: true,
			NameNormalizer: string(codegen.NameNormalizerFunctionToCamelCaseWithInitialisms), AdditionalInitialisms: words,
			PreferSkipOptionalPointerOnContainerTypes: true,
			UserTemplates: templates, TypeMapping: goTypes(), DisableTypeAliasesForType: []string{"array", "object"}, // which may be made of themselves
		},
		AllowRemoteRefsFrom: []string{},
	}, nil
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
	if src, err = codegen.Generate(c.Doc, cfg); err != nil {
		return "", nil, err
	}
	all, err = methods(c, pkg == ownPackage)
	return src, all, err
}
