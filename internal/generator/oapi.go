package generator

import (
	"embed"
	"fmt"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
)

// Version is oapi-codegen's version. A test compares it with go.mod.
const Version = "v2.8.2"

// ownPackage is the package generated from this repository's own contract.
const ownPackage = "generated"

//go:embed templates
var templateFiles embed.FS

// replaced lists oapi-codegen's templates that ours replace, and why:
//
//   - client.tmpl: its request builders parse the server's URL twice a call and use reflection, a third of a call's allocations;
//     their imports would become dependencies of every app.
//   - client-with-responses.tmpl: it loses the status of a body that does not decode, reads without a limit, and accepts HTML
//     with status 200 as a success.
//   - additional-properties.tmpl: it rounds whole numbers above 53 bits in fields that the contract does not name.
//
// A test compares the digest of each replaced text.
var replaced = []string{"client.tmpl", "client-with-responses.tmpl", "additional-properties.tmpl"}

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
func configuration(pkg string, recursive bool) (codegen.Configuration, error) {
	templates := map[string]string{}
	for _, name := range replaced {
		text, err := templateFiles.ReadFile("templates/" + name)
		if err != nil {
			return codegen.Configuration{}, err
		}
		templates[name] = string(text)
	}
	var defined []string
	if recursive { // an alias cannot be made of itself
		defined = []string{"array", "object"}
	}
	return codegen.Configuration{
		PackageName: pkg,
		Generate:    codegen.GenerateOptions{Models: true, Client: true, ServerURLs: pkg == ownPackage},
		Compatibility: codegen.CompatibilityOptions{
			AlwaysPrefixEnumValues: true, DisableRequiredReadOnlyAsPointer: true,
		},
		OutputOptions: codegen.OutputOptions{
			SkipPrune: true, SkipEnumValidate: true,
			NameNormalizer: string(codegen.NameNormalizerFunctionToCamelCaseWithInitialisms), AdditionalInitialisms: words,
			PreferSkipOptionalPointerOnContainerTypes: true,
			UserTemplates: templates, TypeMapping: goTypes(), DisableTypeAliasesForType: defined,
		},
		AllowRemoteRefsFrom: []string{},
	}, nil
}

// oapiCodegen is held while oapi-codegen runs: its names and templates are global.
var oapiCodegen sync.Mutex

// runOapiCodegen generates models and requests. oapi-codegen calls builders instead of its client template, with its view
// of the operations: their names are the models'.
func runOapiCodegen(doc *openapi3.T, cfg codegen.Configuration, builders func([]codegen.OperationDefinition) (string, error)) (src string, err error) {
	oapiCodegen.Lock()
	defer oapiCodegen.Unlock()
	defer func() {
		if p := recover(); p != nil {
			src, err = "", fmt.Errorf("oapi-codegen failed: %v", p)
		}
	}()
	codegen.TemplateFunctions["requestBuilders"] = builders
	return codegen.Generate(doc, cfg)
}
